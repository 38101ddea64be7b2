/**
 * Runs in the master. What follows when a worker or a mule asks for something that concerns the whole
 * instance.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { MasterEvent } from "../../core/event.ts";
import { logLine } from "../log.ts";
import { Throttle } from "../throttle.ts";

/** A worker is heard at most once in this time, for each of the two things it can ask for (1 s). */
const PERIOD_MS = 1_000;

/** What one worker or mule asks for, however often it does. */
export class WorkerRequests {
  readonly #reload: Throttle;
  readonly #stop: Throttle;

  /**
   * Nothing is asked for yet.
   *
   * @param who For example `worker 1`.
   * @param config The configuration that counts when it asks.
   * @param report Takes what follows.
   */
  constructor(who: string, config: () => Config, report: (masterEvent: MasterEvent) => void) {
    const throttle = (wish: "reload" | "stop") =>
      new Throttle(PERIOD_MS, () => {
        const masterEvent = workerRequestEvent(wish, who, config());
        if (masterEvent !== null) report(masterEvent);
      });
    this.#reload = throttle("reload");
    this.#stop = throttle("stop");
  }

  /** It has called `uwsgi.reload()` or `uwsgi.stop()`. */
  ask(wish: "reload" | "stop"): void {
    (wish === "reload" ? this.#reload : this.#stop).ask();
  }
}

/**
 * What `uwsgi.reload()` or `uwsgi.stop()` comes to; null: it is refused, which the log says.
 *
 * @param who For example `worker 1`.
 */
export function workerRequestEvent(
  wish: "reload" | "stop",
  who: string,
  { workerControl }: Config,
): MasterEvent | null {
  if (!workerControl) {
    const text = `${who} asked to ${wish} the instance: refused, because worker-control is false`;
    logLine("warning", text, { event: "controlRefused", who, wish });
    return null;
  }
  const why = `${who} asked for it`;
  return wish === "stop" ? { type: "stop", why, once: true } : { type: "reload", kind: "all", why };
}
