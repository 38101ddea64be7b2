/**
 * Runs in the master. What it does regularly and cannot do without fail: an error ends the one action,
 * and is told in the log once until the action works again.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { logLine } from "./log.ts";

/** Actions that may fail, by what is said of each then. */
export class Attempts {
  readonly #event: string;
  readonly #failing = new Set<string>();

  /** Takes the `event` of the log lines. */
  constructor(event: string) {
    this.#event = event;
  }

  /**
   * Does it; null: it failed.
   *
   * @param problem Begins the line in the log, and tells this action from others.
   */
  make<T>(problem: string, act: () => T): T | null {
    try {
      const result = act();
      this.#failing.delete(problem);
      return result;
    } catch (error) {
      this.#tell(problem, error);
      return null;
    }
  }

  /** The same for what takes a while. */
  async wait<T>(problem: string, act: () => Promise<T>): Promise<T | null> {
    try {
      const result = await act();
      this.#failing.delete(problem);
      return result;
    } catch (error) {
      this.#tell(problem, error);
      return null;
    }
  }

  #tell(problem: string, error: unknown): void {
    if (this.#failing.has(problem)) return;
    this.#failing.add(problem);
    const reason = errorText(error);
    logLine("warning", `${problem}: ${reason}`, { event: this.#event });
  }
}
