/**
 * Runs in the worker. Says regularly that the event loop runs, and how late it was.
 *
 * @module
 */

import { GRACE_S, stayWithParent } from "../system/death_watch.ts";
import { every } from "../system/timing.ts";
import { instanceAccess } from "./instance.ts";

const currentInstance = instanceAccess();

let started = false;

/**
 * Starts with the first `accepting()`: a script that is busy starting is not a script that hangs.
 */
export function startHeartbeat(): void {
  if (started) return;
  started = true;
  const { channel, environment, lane } = currentInstance();
  every(environment.heartbeatMs, (lateMs) => {
    stayWithMaster();
    lane.set("lag", Math.round(lateMs * 1000));
    channel.send({ type: "heartbeat", lagMs: Math.round(lateMs) });
  });
}

/**
 * Where a thread of the master has started this worker, the end of that thread looks like the death of the
 * master. Whoever runs its event loop tells the two apart, before the alarm ends it that the kernel's
 * signal has set (`death_watch.ts`): after 36 s at the earliest, and a heartbeat comes every 10 s or more
 * often.
 */
export function stayWithMaster(): void {
  const { environment: { masterPid, mercyMs, sandbox }, libc } = currentInstance();
  // Only sandboxed workers are started by threads.
  if (libc === null || sandbox === null) return;
  const watch = { parent: () => Deno.ppid, alarm: (seconds: number) => libc.alarm(seconds) };
  stayWithParent(watch, masterPid, mercyMs / 1000 + GRACE_S);
}
