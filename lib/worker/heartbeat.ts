/**
 * Runs in the worker. Says regularly that the event loop runs, and how late it was.
 *
 * @module
 */

import { currentInstance } from "./instance.ts";

/** How often a worker says so (10 s). */
export const HEARTBEAT_MS = 10_000;

let started = false;

/**
 * Starts with the first `accepting()`: a script that is busy starting is not a script that hangs, and
 * the first timer of a process takes milliseconds that belong to the start.
 */
export function startHeartbeat(): void {
  if (started) return;
  started = true;
  const { channel } = currentInstance();
  let due = performance.now() + HEARTBEAT_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    channel.send({ type: "heartbeat", lagMs: Math.max(0, Math.round(now - due)) });
    due = now + HEARTBEAT_MS;
  }, HEARTBEAT_MS);
  Deno.unrefTimer(timer);
}
