/**
 * Runs in the worker. Standing aside: connections are left to somebody else, or to the queue, and the
 * worker stays so that it can come back.
 *
 * @module
 */

import { noteStandby, sendAccepting } from "./acceptance.ts";
import { stopAllQueues } from "./draining/accept_control.ts";
import { beginClosing, endClosing } from "./connections/connection_close_rule.ts";

let resume: (() => void) | null = null;
let draining = false;

/**
 * Stops accepting on all sockets.
 *
 * @param drain Also ask the clients to go, because a successor accepts.
 * @param keep Addresses of sockets that nobody else accepts on.
 */
export function enterStandby(drain: boolean, keep: readonly string[] = []): void {
  resume ??= stopAllQueues(keep);
  noteStandby(true);
  if (!drain) return sendAccepting(false);
  if (draining) return;
  draining = true;
  beginClosing();
}

/** Accepts again, and says so. */
export function leaveStandby(): void {
  if (draining) endClosing();
  draining = false;
  resume?.();
  resume = null;
  noteStandby(false);
  sendAccepting(true);
}

/** True while this worker stands aside: its queues are left already. */
export function isStandby(): boolean {
  return resume !== null;
}

/** The worker leaves: what is in the queues is its own again, and it asks its clients to go. */
export function retireFromStandby(takeQueues: boolean): void {
  draining = false;
  if (takeQueues) resume?.();
}
