/**
 * A new connection for each request, which the server ends after its answer.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { CLOSE_HEADER, getRequest } from "./http.ts";

const REQUEST = getRequest("/", CLOSE_HEADER);

/**
 * One request with `Connection: close`. The client waits for the server's end before its own, which
 * leaves the port in TIME_WAIT to the server's side: the client's is free again at once.
 */
export async function closeSession(client: Client): Promise<void> {
  await client.connected(async (connection) => {
    await client.askIdentity(connection, REQUEST);
    await client.awaitEnd(connection);
  });
}
