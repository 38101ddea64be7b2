/**
 * Two requests in one write (RFC 9112, 9.3.2).
 *
 * @module
 */
import type { Client } from "./client.ts";
import { LoadFailure } from "./failure.ts";
import { CLOSE_HEADER, decode, encode, readBody, readOkHead } from "./http.ts";

/** The first takes longer than the second, which must wait its turn. */
const PAIR = encode([
  `GET /slow?ms=5&tag=first HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `GET /slow?ms=0&tag=second HTTP/1.1\r\nHost: localhost\r\n${CLOSE_HEADER}\r\n`,
].join(""));

/** Both requests of the pair must be answered, in order. */
export async function pipelinedSession(client: Client): Promise<void> {
  await client.connected(async (connection) => {
    await connection.send(PAIR);
    let announced = false;
    for (const tag of ["first", "second"]) {
      await client.request(connection, async () => {
        const head = await readOkHead(connection).catch((error) => {
          throw announced && error instanceof LoadFailure
            ? new LoadFailure(error.kind, `${error.message}; the first said Connection: close`)
            : error;
        });
        announced ||= head.close;
        const body = decode(await readBody(connection, head));
        if (body !== tag) {
          throw new LoadFailure("wrong-body", `The ${tag} request got the answer "${body}"`);
        }
      });
    }
    await client.awaitEnd(connection);
  });
}
