/**
 * Runs in the master. How many messages it takes from one worker, so that a worker that talks without end
 * takes a small share of the master's time: what is too much waits in the worker's pipe, and nothing is
 * lost.
 *
 * @module
 */

import type { WorkerMessage } from "../../protocol/message.ts";

/** So many units come in each second, and so many may be taken at once. */
const UNITS_PER_SECOND = 10_000;
/** What a message costs that may change the state of the instance: 100 of them per second. */
const USUAL_UNITS = 100;

/** Messages for mules are data, of which there may be many. */
const UNITS: Readonly<Partial<Record<WorkerMessage["type"], number>>> = {
  "mule-message": 1,
  "mule-ask": 1,
};

/** What one worker may say. */
export class MessageBudget {
  #units = UNITS_PER_SECOND;
  #at: number;

  /** Takes the time, in monotonic milliseconds. */
  constructor(at: number) {
    this.#at = at;
  }

  /** Takes a message; returns for how many milliseconds no further one is to be taken. */
  take(type: WorkerMessage["type"], at: number): number {
    const more = Math.max(0, at - this.#at) * UNITS_PER_SECOND / 1000;
    this.#at = at;
    this.#units = Math.min(UNITS_PER_SECOND, this.#units + more) - (UNITS[type] ?? USUAL_UNITS);
    return this.#units >= 0 ? 0 : -this.#units * 1000 / UNITS_PER_SECOND;
  }
}
