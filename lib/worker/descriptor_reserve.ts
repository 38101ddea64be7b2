/**
 * Runs in the worker. A few descriptors that are held for nothing: when there are no more, whoever stops
 * accepting, opens a server anew, or leaves, still has what that takes.
 *
 * @module
 */

import { instanceAccess } from "./instance.ts";

const currentInstance = instanceAccess();

/** Enough for a listener, its place in the event loop, and a look into /proc (8). */
const HELD = 8;
/** With this many free ones a server can accept again: it does not end at once for want of them (8). */
const ROOM = 8;

let lent = false;
let spent = false;

/** Takes what is missing of the reserve, as far as there are descriptors. */
export function keepReserve(): void {
  lent = false;
  if (!spent) currentInstance().operations?.holdDescriptors(HELD);
}

/** Calls `act`, which may use the reserve. */
export function withReserve<T>(act: () => T): T {
  lendReserve();
  try {
    return act();
  } finally {
    keepReserve();
  }
}

/** Whoever needs descriptors now can have those of the reserve, until {@linkcode keepReserve}. */
export function lendReserve(): void {
  lent = true;
  currentInstance().operations?.holdDescriptors(0);
}

/** The worker leaves: the reserve is for the way out. */
export function spendReserve(): void {
  spent = true;
  lendReserve();
}

/** True if there are some descriptors beside the reserve. */
export function hasRoom(): boolean {
  const { operations } = currentInstance();
  if (operations === null) return true;
  if (lent) return false;
  const enough = operations.holdDescriptors(HELD + ROOM) === HELD + ROOM;
  operations.holdDescriptors(HELD);
  return enough;
}
