/**
 * Process rows: what each worker process tells its master without a message, in the memory they share. The
 * master reads it also when the worker's event loop is blocked. A process row belongs to one process, while
 * the rows of the scoreboard belong to slots: two workers that share a slot during a replacement have
 * two process rows.
 *
 * Process clocks have no common zero, and the master may be stopped or the machine suspended. So time
 * is told by a clock that the master itself ticks, once per second in which it runs: what a worker
 * notes with it can never be older than the master has watched.
 *
 * @module
 */

import {
  COUNTERS_AT,
  MAX_PROCESS_ROWS,
  OWNER_CELL,
  PROCESS_ROW_BYTES,
  PROCESS_ROWS_AT,
  tableOf,
} from "./memory_layout.ts";
import { add, type Count, COUNT_AT, COUNTER_CELLS, type RequestCounters } from "./counters.ts";

export { MAX_PROCESS_ROWS, SHARED_BYTES } from "./memory_layout.ts";

/** Name of a number in a process row. */
export type ProcessCell = "slot" | "inFlight" | "oldestSince" | "userDeadline" | "lag";

/**
 * Where the 32-bit cells of a process row are. These are constants: a worker looks them up while its script
 * runs, and a script that could choose a cell could write to any of them.
 */
const CELL_AT: Readonly<Record<ProcessCell, number>> = tableOf({
  /** The slot of its process. */
  slot: OWNER_CELL,
  /** Requests whose handlers are at work. */
  inFlight: 1,
  /** When the oldest of them began; 0: none is in flight. */
  oldestSince: 2,
  /** When the worker wants to be killed, see `uwsgi.set_user_harakiri()`; 0: never. */
  userDeadline: 3,
  /** How late its event loop last was, in microseconds. */
  lag: 4,
});
/** The one that is written for each request. */
const OLDEST_SINCE_AT = CELL_AT.oldestSince;
/** Odd while `oldestSince` and the name are being written. */
const VERSION_AT = 5;
/** Bytes of the name. */
const NAME_LENGTH_AT = 6;

/** Taken when this is loaded: a script that puts others in their place gets no hold of the memory. */
const { add: atomicAdd, load: atomicLoad, store: atomicStore } = Atomics;

const LANE_CELLS = PROCESS_ROW_BYTES / 4;
const NAME_AT = COUNTERS_AT + COUNTER_CELLS * 8;
/** Longest name of a request in bytes; of longer ones the beginning is kept. */
export const NAME_BYTES = PROCESS_ROW_BYTES - NAME_AT;

/** The oldest request of a worker, as its process row shows it. */
export interface OldestRequest {
  /** {@linkcode MasterClock} when it began, rounded up. */
  readonly since: number;
  /** Method and URL. */
  readonly name: string;
}

/** The clock that the master ticks. The place before the first process row shows it to all processes. */
export class MasterClock {
  readonly #cells: Int32Array;
  #ticks: number;

  /**
   * Takes the shared memory.
   *
   * @param ticks What the master's clock has come to before. Others only read it. @default 0
   */
  constructor(memory: ArrayBufferLike, ticks = 0) {
    this.#cells = new Int32Array(memory, PROCESS_ROWS_AT, 1);
    this.#ticks = ticks;
  }

  /** Ticks so far, as the memory shows them. Of no use to the master, see {@linkcode MasterClock.ticks}. */
  get now(): number {
    return atomicLoad(this.#cells, 0);
  }

  /** Ticks so far, as the master itself has counted them: what stands in the memory is not read back. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Called by the master once per second; returns the new time. */
  tick(): number {
    this.#ticks++;
    atomicStore(this.#cells, 0, this.#ticks);
    return this.#ticks;
  }
}

/**
 * A view of one process row. Its process may write anything there, so whatever is read is bounded: numbers are
 * from 0 to 2147483647, names have at most {@linkcode NAME_BYTES} bytes. Whether they are true is another
 * question. The counters are read as it is, see `checked_counters.ts`.
 */
export class ProcessRow {
  /** The master's clock. */
  readonly clock: MasterClock;
  /** What is counted of its requests. */
  readonly counters: RequestCounters;
  readonly #cells: Int32Array;
  readonly #name: Uint8Array;

  /**
   * Takes the shared memory and the number of the process row, from 1.
   *
   * @throws {RangeError} If there is no such process row.
   */
  constructor(memory: ArrayBufferLike, number: number) {
    if (!(number >= 1 && number <= MAX_PROCESS_ROWS)) throw new RangeError(`No lane ${number}`);
    const start = PROCESS_ROWS_AT + number * PROCESS_ROW_BYTES;
    this.clock = new MasterClock(memory);
    this.counters = new Float64Array(memory, start + COUNTERS_AT, COUNTER_CELLS);
    this.#cells = new Int32Array(memory, start, LANE_CELLS);
    this.#name = new Uint8Array(memory, start + NAME_AT, NAME_BYTES);
  }

  /** Forgets the process that had the process row before. */
  reset(): void {
    this.#cells.fill(0);
  }

  /** Reads a number; 0 if there is one below. */
  get(cell: ProcessCell): number {
    const value = atomicLoad(this.#cells, CELL_AT[cell]);
    return value > 0 ? value : 0;
  }

  /** Writes a number (32 bits). */
  set(cell: ProcessCell, value: number): void {
    atomicStore(this.#cells, CELL_AT[cell], value);
  }

  /** A function that adds one to a count of this process, or more. */
  counter(count: Count): (by?: number) => void {
    const { counters } = this;
    const at = COUNT_AT[count];
    return (by = 1) => add(counters, at, by);
  }

  /**
   * A function that writes a number, with the look-up done once, for the path of each request: nobody
   * else writes it, so it takes no atomic operation.
   */
  setter(cell: ProcessCell): (value: number) => void {
    const cells = this.#cells;
    const index = CELL_AT[cell];
    return (value) => {
      cells[index] = value;
    };
  }

  /** Shows the oldest request in flight; null: there is none. */
  showOldest(request: OldestRequest | null): void {
    if (request === null) return void atomicStore(this.#cells, OLDEST_SINCE_AT, 0);
    atomicAdd(this.#cells, VERSION_AT, 1);
    const { written } = encodeInto(request.name, this.#name);
    atomicStore(this.#cells, NAME_LENGTH_AT, written);
    atomicStore(this.#cells, OLDEST_SINCE_AT, request.since);
    atomicAdd(this.#cells, VERSION_AT, 1);
  }

  /** The oldest request in flight; null: there is none, or it has just changed. */
  get oldest(): OldestRequest | null {
    const before = atomicLoad(this.#cells, VERSION_AT);
    const since = this.get("oldestSince");
    const length = atomicLoad(this.#cells, NAME_LENGTH_AT);
    const bytes = this.#name.slice(0, length > 0 ? length : 0);
    const changed = before % 2 !== 0 || atomicLoad(this.#cells, VERSION_AT) !== before;
    if (changed || since === 0) return null;
    return { since, name: new TextDecoder().decode(bytes) };
  }
}

const ENCODER = new TextEncoder();
const encodeInto = ENCODER.encodeInto.bind(ENCODER);
