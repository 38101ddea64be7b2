/**
 * Runs in the master. Gives each worker process a lane of its own.
 *
 * @module
 */

import { Lane, MAX_LANES } from "../protocol/lane.ts";
import type { Scoreboard } from "../protocol/scoreboard.ts";

/** A lane that is in use. */
export interface LaneLease {
  readonly number: number;
  readonly lane: Lane;
}

/** The lanes of the shared memory. */
export class LanePool {
  readonly #memory: ArrayBufferLike;
  readonly #scoreboard: Scoreboard;
  readonly #taken = new Set<number>();

  /** All of them are free. */
  constructor(memory: ArrayBufferLike, scoreboard: Scoreboard) {
    this.#memory = memory;
    this.#scoreboard = scoreboard;
  }

  /**
   * Takes a free lane, which shows nothing, for a process of this slot (0: of none). What its last
   * process counted is kept on the scoreboard.
   *
   * @throws {Error} If there is none.
   */
  take(slot: number): LaneLease {
    for (let number = 1; number <= MAX_LANES; number++) {
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      const lane = new Lane(this.#memory, number);
      this.#clear(lane);
      lane.set("slot", slot);
      this.#scoreboard.useLane(number);
      return { number, lane };
    }
    throw new Error(`There are ${MAX_LANES} worker processes already`);
  }

  /** Goes on with the lane of a process that another program started: it shows what it showed. */
  keep(number: number): LaneLease {
    this.#taken.add(number);
    return { number, lane: new Lane(this.#memory, number) };
  }

  /** The process that had it is gone. Its tally stays where it is until the lane is taken again. */
  release({ number }: LaneLease): void {
    this.#taken.delete(number);
  }

  #clear(lane: Lane): void {
    const slot = lane.get("slot");
    const tally = lane.tally.slice();
    lane.reset();
    if (slot > 0) this.#scoreboard.keep(slot, tally);
  }
}
