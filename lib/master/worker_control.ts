/**
 * Runs in the master. What follows when a worker or a mule asks for something that concerns the whole
 * instance.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Happening } from "../core/event.ts";
import { logLine } from "./log.ts";

/**
 * What `uwsgi.reload()` or `uwsgi.stop()` comes to; null: it is refused, which the log says.
 *
 * @param who For example `worker 1`.
 */
export function askedFor(
  wish: "reload" | "stop",
  who: string,
  { workerControl }: Config,
): Happening | null {
  if (!workerControl) {
    const text = `${who} asked to ${wish} the instance: refused, because worker-control is false`;
    logLine("warning", text, { event: "controlRefused", who, wish });
    return null;
  }
  const why = `${who} asked for it`;
  return wish === "stop" ? { type: "stop", why } : { type: "reload", kind: "all", why };
}
