/**
 * A WebSocket (RFC 6455) on which every message must be echoed.
 *
 * @module
 */
import type { Client } from "./client.ts";
import type { Connection } from "./connection.ts";
import { LoadFailure } from "./failure.ts";
import { decode, encode, getRequest, readOkHead } from "./http.ts";
import { encodeFrame, type Frame, OPCODE, readFrame } from "./websocket_frame.ts";

const MESSAGES = 20;
const MAX_PAUSE_MS = 40;
const GOING_AWAY = 1001;
const NORMAL = 1000;

/** Says that the server took its leave with code 1001. */
class GoingAway extends Error {
  override readonly name = "GoingAway";
}

/** A handshake, echoed messages with pauses between them, and a close; 1001 may end it any time. */
export async function websocketSession(client: Client): Promise<void> {
  await client.connected(async (connection) => {
    await client.request(connection, () => handshake(connection));
    try {
      await echoMessages(client, connection);
      connection.deadline = performance.now() + client.run.timeoutMs;
      await connection.send(encodeFrame(OPCODE.close, closePayload(NORMAL)));
      await expectFrame(connection, OPCODE.close, closePayload(NORMAL));
    } catch (error) {
      if (!(error instanceof GoingAway)) throw error;
      client.report.goingAway += 1;
      await connection.send(encodeFrame(OPCODE.close, closePayload(GOING_AWAY)));
    }
    await client.awaitEnd(connection);
  });
}

async function echoMessages(client: Client, connection: Connection): Promise<void> {
  await connection.send(encodeFrame(OPCODE.ping, encode("are you there")));
  await expectFrame(connection, OPCODE.pong, encode("are you there"));
  for (let i = 0; i < MESSAGES && !client.run.stopped; i++) {
    const message = encode(`message ${i}`);
    await client.request(connection, async () => {
      await connection.send(encodeFrame(OPCODE.text, message));
      await expectFrame(connection, OPCODE.text, message);
    });
    await client.run.pause(0, MAX_PAUSE_MS);
  }
}

/** The opening handshake (RFC 6455, 4.1). */
async function handshake(connection: Connection): Promise<void> {
  const key = crypto.getRandomValues(new Uint8Array(16)).toBase64();
  await connection.send(getRequest(
    "/ws",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: ${key}\r\n`,
  ));
  const head = await readOkHead(connection, 101);
  const accept = /^sec-websocket-accept: *(\S+)\r$/im.exec(head.text)?.[1];
  if (accept !== await acceptFor(key)) {
    throw new LoadFailure("malformed", `Sec-WebSocket-Accept is ${accept}`);
  }
}

async function acceptFor(key: string): Promise<string> {
  const text = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  return new Uint8Array(await crypto.subtle.digest("SHA-1", encode(text))).toBase64();
}

/** Reads frames, answering pings, until one that must be as given. */
async function expectFrame(
  connection: Connection,
  opcode: number,
  payload: Uint8Array,
): Promise<void> {
  let frame = await readFrame(connection);
  while (frame.opcode === OPCODE.ping) {
    await connection.send(encodeFrame(OPCODE.pong, frame.payload));
    frame = await readFrame(connection);
  }
  if (frame.opcode === opcode && decode(frame.payload) === decode(payload)) return;
  if (closeCode(frame) === GOING_AWAY) throw new GoingAway();
  throw new LoadFailure(
    "wrong-body",
    `Frame ${opcode} ${JSON.stringify(decode(payload))} expected, got ${frame.opcode} ` +
      `(${closeCode(frame) ?? JSON.stringify(decode(frame.payload))})`,
  );
}

function closeCode({ opcode, payload }: Frame): number | null {
  if (opcode !== OPCODE.close || payload.length < 2) return null;
  return new DataView(payload.buffer, payload.byteOffset).getUint16(0);
}

function closePayload(code: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(code >> 8, code & 0xff);
}
