/**
 * Runs in the worker. Ends the connections whose last response said `Connection: close`: Deno leaves
 * the closing to the client, although the server is to begin with it (RFC 9112, 9.6).
 *
 * @module
 */

import { hasSentAll } from "../system/accept_queue.ts";
import type { Libc } from "../system/libc.ts";
import { type ClientConnection, clientConnections } from "./connections.ts";
import { currentInstance } from "./instance.ts";

/** shutdown(2): nothing more is sent, what comes is still read. */
const SHUT_WR = 1;

/**
 * Connections with their last response behind them, by client; true: at the last look, everything had
 * been sent. `completed` comes when the server has taken the response, before it has written it: in
 * the same turn of the event loop nothing of it is sent yet, and a large one to a slow client takes as
 * long as the client does. So a connection is ended when two looks in a row found nothing to send;
 * between them the server had its turn to write more.
 */
let expected = new Map<string, boolean>();

/** The last response on a client's connection is on its way. */
export function expectFarewell(client: string): void {
  expected.set(client, false);
}

/** No connection is to be ended: this worker goes on. */
export function forgetFarewells(): void {
  expected.clear();
}

/**
 * Ends the connections whose last response has been sent; true if it is worth while to look again
 * soon.
 */
export function sayFarewells(known?: readonly ClientConnection[]): boolean {
  const { libc, environment } = currentInstance();
  if (libc === null || expected.size === 0) return false;
  const { ended, waiting } = judge(libc, known ?? clientConnections(libc, environment));
  for (const fd of ended) libc.shutdown(fd, SHUT_WR);
  expected = waiting;
  return ended.length > 0 || [...waiting.values()].includes(true);
}

function judge(
  libc: Libc,
  open: readonly ClientConnection[],
): { readonly ended: readonly number[]; readonly waiting: Map<string, boolean> } {
  const ended: number[] = [];
  const waiting = new Map<string, boolean>();
  for (const { fd, client } of open) {
    const before = client === "" ? undefined : expected.get(client);
    if (before === undefined) continue;
    const sentAll = hasSentAll(libc, fd);
    if (before && sentAll) ended.push(fd);
    else waiting.set(client, sentAll);
  }
  return { ended, waiting };
}
