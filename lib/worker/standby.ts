/**
 * Runs in the worker. Standing aside: connections are left to somebody else, or to the queue, and the
 * worker stays so that it can come back.
 *
 * @module
 */

import { pause } from "../system/timing.ts";
import { tellAccepting } from "./acceptance.ts";
import { sayFarewells } from "./farewells.ts";
import { beginClosing, endClosing } from "./http.ts";
import { stopAllQueues } from "./queues.ts";

/** How often a worker on standby ends the connections that have had their last response. */
const FAREWELL_MS = 20;

let resume: (() => void) | null = null;
let draining = false;

/**
 * Stops accepting on all sockets.
 *
 * @param drain Also ask the clients to go, because a successor accepts.
 * @param keep Addresses of sockets that nobody else accepts on.
 */
export function standAside(drain: boolean, keep: readonly string[] = []): void {
  resume ??= stopAllQueues(keep);
  if (!drain) return tellAccepting(false);
  if (draining) return;
  draining = true;
  beginClosing();
  void endConnections();
}

/** Accepts again, and says so. */
export function comeBack(): void {
  if (draining) endClosing();
  draining = false;
  resume?.();
  resume = null;
  tellAccepting(true);
}

/** True while this worker stands aside: its queues are left already. */
export function isAside(): boolean {
  return resume !== null;
}

/** The worker leaves: what is in the queues is its own again, and who ends connections is `drain`. */
export function endStandby(takeQueues: boolean): void {
  draining = false;
  if (takeQueues) resume?.();
}

async function endConnections(): Promise<void> {
  while (draining) {
    sayFarewells();
    await pause(FAREWELL_MS);
  }
}
