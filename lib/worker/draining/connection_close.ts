/**
 * Runs in the worker. Ends the connections whose last response said `Connection: close`: Deno leaves
 * the closing to the client, although the server is to begin with it (RFC 9112, 9.6).
 *
 * @module
 */

import { pause } from "../../system/timing.ts";
import { instanceAccess } from "../instance.ts";
import type { Operations } from "../operations.ts";

const currentInstance = instanceAccess();

/** How often connections are looked at, and how often when only slow clients are left (ms). */
const LOOK_MS = 10;
const SLOW_LOOK_MS = 200;

/**
 * Connections with their last response behind them, by client; true: at the last look, everything had
 * been sent. `completed` comes when the server has taken the response, before it has written it: in
 * the same turn of the event loop nothing of it is sent yet, and a large one to a slow client takes as
 * long as the client does. So a connection is ended when two looks in a row found nothing to send;
 * between them the server had its turn to write more.
 */
let expected = new Map<string, boolean>();
let looking = false;

/**
 * The last response on a client's connection is on its way; the connection ends when it is sent, also
 * if the worker goes on after all. Clients without a name (Unix sockets) go by themselves.
 */
export function expectClose(client: string): void {
  if (client === "") return;
  expected.set(client, false);
  if (looking) return;
  looking = true;
  void sayFarewells();
}

/** A client goes on nevertheless: its connection does not end before the next response is sent. */
export function cancelClose(client: string): void {
  expected.delete(client);
}

async function sayFarewells(): Promise<void> {
  const { operations } = currentInstance();
  let wait = LOOK_MS;
  let tookMs = 0;
  while (operations !== null && expected.size > 0) {
    await pause(Math.max(wait, tookMs * 4));
    const before = expected.size;
    const began = performance.now();
    expected = look(operations);
    // However many connections there are: a fifth of the time is enough for looking at them.
    tookMs = performance.now() - began;
    const isBusy = expected.size < before || [...expected.values()].includes(true);
    wait = isBusy ? LOOK_MS : Math.min(wait * 1.2, SLOW_LOOK_MS);
  }
  looking = false;
}

/** Ends what can be ended; returns what is still there of the rest. */
function look(operations: Operations): Map<string, boolean> {
  const waiting = new Map<string, boolean>();
  for (const one of operations.clients()) {
    const before = expected.get(one.client);
    if (before === undefined) continue;
    const sentAll = operations.hasSentAll(one);
    if (before && sentAll) operations.endSending(one);
    else waiting.set(one.client, sentAll);
  }
  return waiting;
}
