/**
 * An event stream that lasts longer than the replacement of a worker.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { LoadFailure } from "./failure.ts";
import { CLOSE_HEADER, decode, getRequest, readChunk, readOkHead } from "./http.ts";

const EVENTS = 10;
const GAP_MS = 30;
const REQUEST = getRequest(`/events?n=${EVENTS}&gap=${GAP_MS}`, CLOSE_HEADER);
const EXPECTED = Array.from({ length: EVENTS }, (_, i) => `data: ${i}\n\n`).join("");

/** Every event must come, in order, and then the stream's end. */
export async function sseSession(client: Client): Promise<void> {
  await client.connected(async (connection) => {
    await client.request(connection, async () => {
      await connection.send(REQUEST);
      const head = await readOkHead(connection);
      if (head.length !== null || !/^content-type: *text\/event-stream/im.test(head.text)) {
        throw new LoadFailure("wrong-body", `Not an event stream: ${JSON.stringify(head.text)}`);
      }
      let text = "";
      for (let chunk = await readChunk(connection); chunk; chunk = await readChunk(connection)) {
        text += decode(chunk);
        if (!EXPECTED.startsWith(text)) break;
      }
      if (text !== EXPECTED) {
        throw new LoadFailure("wrong-body", `Events end in ${JSON.stringify(text.slice(-40))}`);
      }
    });
    await client.awaitEnd(connection);
  });
}
