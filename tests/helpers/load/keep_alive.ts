/**
 * Many requests over one connection, with pauses between them and without.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { getRequest } from "./http.ts";

const REQUEST = getRequest("/");
/** A connection is given up after so many requests, so that new ones go to other workers. */
const REQUESTS_PER_CONNECTION = 500;

/** One request after another, at once or after a rest, until the server ends the connection. */
export function keepAliveSession(client: Client): Promise<void> {
  return askRepeatedly(client, false);
}

/** The same with pauses: a connection that ends in order during one is no loss. */
export function idleSession(client: Client): Promise<void> {
  return askRepeatedly(client, true);
}

async function askRepeatedly(client: Client, pausing: boolean): Promise<void> {
  await client.connected(async (connection) => {
    for (let i = 0; i < REQUESTS_PER_CONNECTION && !(i > 0 && client.run.stopped); i++) {
      const head = await client.askIdentity(connection, REQUEST);
      if (head.close) {
        client.report.announcedEnds += 1;
        return await client.awaitEnd(connection);
      }
      const pause = pausing ? client.run.idle() : client.run.rest();
      if (pause !== null && await connection.idle(pause)) {
        client.report.idleEnds += 1;
        return;
      }
    }
  });
}
