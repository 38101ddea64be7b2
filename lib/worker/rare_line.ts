/**
 * Runs in the worker. Writes a line about something that may happen very often, and not as often.
 *
 * @module
 */

import { lineSinks } from "./line_sinks.ts";

/** Between two lines about the same (10 s). */
const REST_MS = 10_000;

/** A line of one kind. */
export class RareLine {
  #nextAt = -Infinity;

  /** Writes the line, unless one was written a short while ago. */
  say(line: string): void {
    const now = performance.now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + REST_MS;
    lineSinks().log(line);
  }
}
