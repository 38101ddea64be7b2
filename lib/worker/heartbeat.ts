/**
 * Runs in the worker. Says regularly that the event loop runs, and how late it was.
 *
 * @module
 */

import { currentInstance } from "./instance.ts";

let started = false;

/**
 * Starts with the first `accepting()`: a script that is busy starting is not a script that hangs, and
 * the first timer of a process takes milliseconds that belong to the start.
 */
export function startHeartbeat(): void {
  if (started) return;
  started = true;
  const { channel, environment, lane } = currentInstance();
  const period = environment.heartbeatMs;
  let due = performance.now() + period;
  const timer = setInterval(() => {
    const now = performance.now();
    const lagMs = Math.max(0, now - due);
    lane.set("lag", Math.round(lagMs * 1000));
    channel.send({ type: "heartbeat", lagMs: Math.round(lagMs) });
    due = now + period;
  }, period);
  Deno.unrefTimer(timer);
}
