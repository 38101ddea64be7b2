/**
 * Runs in the master. Gives each worker process a process row of its own.
 *
 * @module
 */

import { MAX_PROCESS_ROWS, ProcessRow } from "../../shared_memory/process_row.ts";
import type { CheckedCounters } from "./checked_counters.ts";
import type { MasterScoreboard } from "./master_scoreboard.ts";

/** A process row that is in use. */
export interface ProcessRowLease {
  readonly number: number;
  readonly processRow: ProcessRow;
  /** What its process has counted. */
  readonly counters: CheckedCounters;
}

/** The process rows of the shared memory. */
export class ProcessRowPool {
  readonly #memory: ArrayBufferLike;
  readonly #scoreboard: MasterScoreboard;
  readonly #taken = new Set<number>();

  /** All of them are free. */
  constructor(memory: ArrayBufferLike, scoreboard: MasterScoreboard) {
    this.#memory = memory;
    this.#scoreboard = scoreboard;
  }

  /**
   * Takes a free process row, which shows nothing, for a process of this slot (0: of none). What its last
   * process counted is kept on the scoreboard.
   *
   * @throws {Error} If there is none.
   */
  take(slot: number): ProcessRowLease {
    for (let number = 1; number <= MAX_PROCESS_ROWS; number++) {
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      return this.#lease(number, slot);
    }
    throw new Error(`There are ${MAX_PROCESS_ROWS} worker processes already`);
  }

  /** Goes on with the process row of a process that another program started: it shows what it showed. */
  keep(number: number, slot: number): ProcessRowLease {
    this.#taken.add(number);
    const counters = this.#scoreboard.runningCounters(number);
    if (counters === null) return this.#lease(number, slot);
    return { number, processRow: new ProcessRow(this.#memory, number), counters };
  }

  /** The process that had it is gone. */
  release({ number }: ProcessRowLease): void {
    this.#taken.delete(number);
    this.#scoreboard.endProcessRow(number);
  }

  #lease(number: number, slot: number): ProcessRowLease {
    const processRow = new ProcessRow(this.#memory, number);
    return {
      number,
      processRow,
      counters: this.#scoreboard.beginProcessRow(number, slot, processRow),
    };
  }
}
