/**
 * Runs in the master. Gives each worker process a lane of its own.
 *
 * @module
 */

import { Lane, MAX_LANES } from "../protocol/lane.ts";

/** A lane that is in use. */
export interface LaneLease {
  readonly number: number;
  readonly lane: Lane;
}

/** The lanes of the shared memory. */
export class LanePool {
  readonly #memory: ArrayBufferLike;
  readonly #taken = new Set<number>();

  /** All of them are free. */
  constructor(memory: ArrayBufferLike) {
    this.#memory = memory;
  }

  /**
   * Takes a free lane, which shows nothing.
   *
   * @throws {Error} If there is none.
   */
  take(): LaneLease {
    for (let number = 1; number <= MAX_LANES; number++) {
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      const lane = new Lane(this.#memory, number);
      lane.reset();
      return { number, lane };
    }
    throw new Error(`There are ${MAX_LANES} worker processes already`);
  }

  /** Goes on with the lane of a process that another program started: it shows what it showed. */
  keep(number: number): LaneLease {
    this.#taken.add(number);
    return { number, lane: new Lane(this.#memory, number) };
  }

  /** The process that had it is gone. */
  release({ number }: LaneLease): void {
    this.#taken.delete(number);
  }
}
