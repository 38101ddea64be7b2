/**
 * Bodies of 16 KB that must come back unchanged.
 *
 * @module
 */
import type { Client } from "./client.ts";
import type { Connection } from "./connection.ts";
import { LoadFailure } from "./failure.ts";
import { CLOSE_HEADER, encode, readBody, readOkHead, type ResponseHead } from "./http.ts";

const BODY_BYTES = 16 * 1024;
const KEPT_ALIVE_POSTS = 8;
/** Every body is a window of this, at a place of its own. */
const POOL = crypto.getRandomValues(new Uint8Array(2 * BODY_BYTES));

/** Several POSTs over one connection, or, in every other session, a single one that ends it. */
export async function postSession(client: Client): Promise<void> {
  const posts = client.report.connections % 2 === 0 ? KEPT_ALIVE_POSTS : 1;
  await client.connected(async (connection) => {
    for (let i = 0; i < posts && !(i > 0 && client.run.stopped); i++) {
      const head = await client.request(connection, () => echo(connection, posts === 1));
      if (!head.close) continue;
      if (posts > 1) client.report.announcedEnds += 1;
      return await client.awaitEnd(connection);
    }
  });
}

/** Sends head and half of the body in one write, the other half in a second one. */
async function echo(connection: Connection, close: boolean): Promise<ResponseHead> {
  const offset = Math.floor(Math.random() * BODY_BYTES);
  const body = POOL.subarray(offset, offset + BODY_BYTES);
  const head = encode(
    `POST /echo HTTP/1.1\r\nHost: localhost\r\n${close ? CLOSE_HEADER : ""}` +
      `Content-Type: application/octet-stream\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`,
  );
  const first = new Uint8Array(head.length + BODY_BYTES / 2);
  first.set(head);
  first.set(body.subarray(0, BODY_BYTES / 2), head.length);
  await connection.send(first);
  await connection.send(body.subarray(BODY_BYTES / 2));
  const answer = await readOkHead(connection);
  requireSame(body, await readBody(connection, answer));
  return answer;
}

function requireSame(sent: Uint8Array, received: Uint8Array): void {
  if (sent.length !== received.length) {
    throw new LoadFailure("wrong-body", `${received.length} of ${sent.length} bytes came back`);
  }
  for (let at = 0; at < sent.length; at++) {
    if (sent[at] === received[at]) continue;
    throw new LoadFailure("wrong-body", `Byte ${at} of the echoed body differs`);
  }
}
