/**
 * Runs in the worker. What this worker has told its master about accepting, so that it can tell it
 * again.
 *
 * @module
 */

import { currentInstance } from "./instance.ts";
import { instanceSockets } from "./sockets.ts";

let said: boolean | null = null;

/** Tells the master that this worker accepts, or does not. */
export function tellAccepting(on: boolean): void {
  said = on;
  currentInstance().channel.send({ type: "accepting", on, covers: coversOthers() });
}

/** Tells it again: there is a new master, or a new control pipe. Nothing, if it never said anything. */
export function repeatAcceptance(): void {
  if (said !== null) tellAccepting(said);
}

/** True if this worker can also accept on the queues of other slots. */
function coversOthers(): boolean {
  return !instanceSockets().some((socket) => socket.excludesCovering);
}
