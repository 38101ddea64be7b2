/**
 * Runs in the worker. Says regularly that the event loop runs, and how late it was.
 *
 * @module
 */

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
  const { channel, environment, processRow } = currentInstance();
  every(environment.heartbeatMs, (lateMs) => {
    // A heartbeat comes every 10 s or more often, and the alarm after 36 s at the earliest.
    currentInstance().operations?.stayWithMaster();
    processRow.set("lag", Math.round(lateMs * 1000));
    channel.send({ type: "heartbeat", lagMs: Math.round(lateMs) });
  });
}
