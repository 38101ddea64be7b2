/**
 * A request whose header arrives in two halves, with a pause in which a worker can be replaced.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { LoadFailure } from "./failure.ts";
import { CLOSE_HEADER, getRequest } from "./http.ts";

const REQUEST = getRequest("/", `X-Filler: ${"x".repeat(64)}\r\n${CLOSE_HEADER}`);
const HALF = REQUEST.length >> 1;

/** Sends half of a header, waits for the run's gap, sends the rest: it must be answered. */
export async function splitHeaderSession(client: Client): Promise<void> {
  await client.connected(async (connection) => {
    await connection.send(REQUEST.subarray(0, HALF));
    if (await connection.idle(client.run.gap())) {
      throw new LoadFailure("eof-before-response", "The connection ended between the halves");
    }
    await client.askIdentity(connection, REQUEST.subarray(HALF));
    await client.awaitEnd(connection);
  });
}
