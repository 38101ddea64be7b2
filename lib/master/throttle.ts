/**
 * Runs in the master. Something that others can ask for as often as they like, and that happens at most
 * once in some time.
 *
 * @module
 */

import { after } from "../system/timing.ts";

/** Acts at once when it is asked, and no sooner than `periodMs` later again: for all who asked meanwhile. */
export class Throttle {
  readonly #periodMs: number;
  readonly #act: (asked: number) => void;
  #resting = false;
  #asked = 0;

  /** Takes the time between two acts, and what is done: it is told how often it was asked for. */
  constructor(periodMs: number, act: (asked: number) => void) {
    this.#periodMs = periodMs;
    this.#act = act;
  }

  /** Asks for it. */
  ask(): void {
    this.#asked++;
    if (!this.#resting) this.#begin();
  }

  #begin(): void {
    const asked = this.#asked;
    this.#asked = 0;
    this.#resting = true;
    after(this.#periodMs, () => {
      this.#resting = false;
      if (this.#asked > 0) this.#begin();
    });
    this.#act(asked);
  }
}
