/**
 * Runs in the worker. What this worker has told its master about accepting, so that it can tell it
 * again.
 *
 * @module
 */

import { lookAtOutputAgain } from "./console_output.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { instanceAccess } from "./instance.ts";
import { instanceSockets } from "./sockets.ts";

const currentInstance = instanceAccess();

let said: boolean | null = null;

let tookStderr = false;

/** What a script means by `accepting()`; the first time is the end of the start. */
export function sayAccepting(on: boolean): void {
  takeStderr();
  tellAccepting(on);
  startHeartbeat();
}

/**
 * While a worker starts, its errors go through the master, which repeats the first line of a failed
 * start. From then on it writes to the master's own stderr itself, or, where the log is no plain text,
 * to a file in memory, from which its lines are taken.
 */
function takeStderr(): void {
  const { environment: { words, stderr }, facts: { log }, operations } = currentInstance();
  if (tookStderr || operations === null || stderr === null) return;
  tookStderr = true;
  if (words !== null || log === null || log.log === null) operations.takeStderr();
  lookAtOutputAgain();
}

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
