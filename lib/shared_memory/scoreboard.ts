/**
 * The scoreboard: a row of numbers per worker slot, in memory that master and workers share. The master
 * writes what it knows of a slot, and of requests what the slot's processes had counted that are gone.
 * What is counted now is in the counters of the processes (`counters.ts`), which are added up when somebody
 * looks.
 *
 * Workers read it. The master writes it and does not read it back: every process of the instance can
 * write there. What the master itself goes by is in `lib/master/scoreboard/master_scoreboard.ts`.
 *
 * @module
 */

import {
  COUNTERS_AT,
  MAX_PROCESS_ROWS,
  MAX_SLOTS,
  OWNER_CELL,
  PROCESS_ROW_BYTES,
  PROCESS_ROWS_AT,
  ROW_BYTES,
  tableOf,
} from "./memory_layout.ts";
import {
  type Count,
  COUNT_AT,
  COUNTER_CELLS,
  isCount,
  type List,
  LIST_AT,
  listLength,
  type RequestCounters,
} from "./counters.ts";

export { MAX_SLOTS } from "./memory_layout.ts";

/** Name of a cell that the master writes. */
export type MasterCell =
  | "pid"
  | "accepting"
  | "generation"
  | "respawns"
  | "lastSpawn"
  | "requestsAtSpawn";

/** Name of a cell of a row. */
export type RowCell = MasterCell | "averageTime";

/** Where the 64-bit cells of a row are; behind them is the counters of the processes that are gone. */
const ROW_AT: Readonly<Record<RowCell, number>> = tableOf({
  pid: 0,
  accepting: 1,
  generation: 2,
  respawns: 3,
  /** Seconds since the epoch. */
  lastSpawn: 4,
  requestsAtSpawn: 5,
  /** Microseconds of the average request, written by the slot's workers, see `request_meter.ts`. */
  averageTime: 6,
});
const ROW_TALLY_AT = 7;

/** Name of whatever a row shows. */
export type SlotCell = RowCell | Count;

/** Where the 64-bit cells of the first row are, which belongs to the instance. */
const INSTANCE_AT = tableOf({
  /** 1 once every slot has had an accepting worker. */
  ready: 0,
  /** How many slots there are. */
  slots: 1,
  /** The highest number of a process row that has ever been in use. */
  processRows: 3,
});

/** Taken when this is loaded: a script that puts others in their place gets no hold of the memory. */
const { load: atomicLoad, store: atomicStore } = Atomics;
const { trunc } = Math;
const [toNumber, toBigInt] = [Number, BigInt];

const ROW_CELLS = ROW_BYTES / 8;
const ROWS = MAX_SLOTS + 1;
const LANE_CELLS = PROCESS_ROW_BYTES / 8;
const LANE_TALLY_AT = COUNTERS_AT / 8;

/** More than this is shown as this where a cell is written in halves. */
const LARGEST_INT32 = 0x7fff_ffff;
const LARGEST_COUNT = Number.MAX_SAFE_INTEGER;

/** The scoreboard as workers see it. Whatever stands in the memory, numbers are from 0 to 2^53 - 1. */
export class Scoreboard {
  readonly #cells: BigInt64Array;
  /** The same memory in 32-bit halves, for what workers write. */
  readonly #halves: Int32Array;
  /** The same memory, for the counters. */
  readonly #rows: Float64Array;
  readonly #processRows: Float64Array;
  readonly #owners: Int32Array;

  /** Takes the shared memory, or an ordinary buffer where there is none. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new BigInt64Array(memory, 0, ROWS * ROW_CELLS);
    this.#halves = new Int32Array(memory, 0, ROWS * ROW_CELLS * 2);
    this.#rows = new Float64Array(memory, 0, ROWS * ROW_CELLS);
    this.#processRows = new Float64Array(
      memory,
      PROCESS_ROWS_AT,
      (MAX_PROCESS_ROWS + 1) * LANE_CELLS,
    );
    this.#owners = new Int32Array(memory, PROCESS_ROWS_AT, (MAX_PROCESS_ROWS + 1) * LANE_CELLS * 2);
  }

  /** Reads a cell of a slot (slots count from 1), or adds up a count of its processes. */
  get(slot: number, cell: SlotCell): number {
    if (isCount(cell)) return this.#sum(slot, COUNT_AT[cell]);
    const index = indexOf(slot, cell);
    if (cell === "averageTime") return bounded(this.#halves[index * 2] ?? 0);
    return bounded(toNumber(atomicLoad(this.#cells, index)));
  }

  /**
   * A function that writes the average time of a slot's requests, from 0 to 2147483647; larger ones are
   * cut. It writes the low half only, which all systems that Deno runs on have first, and takes no
   * atomic operation: of two processes that write, one wins.
   */
  averageGauge(slot: number): (us: number) => void {
    const halves = this.#halves;
    const index = indexOf(slot, "averageTime") * 2;
    return (us) => {
      halves[index] = us <= LARGEST_INT32 ? us : LARGEST_INT32;
    };
  }

  /** Adds up a list of counts of a slot's processes. */
  list(slot: number, list: List): number[] {
    const start = LIST_AT[list];
    const length = listLength(list);
    const sums: number[] = [];
    for (let i = 0; i < length; i++) sums[i] = this.#sum(slot, start + i);
    return sums;
  }

  /** True once every slot has had an accepting worker: what `uwsgi.ready()` tells. */
  get ready(): boolean {
    return atomicLoad(this.#cells, INSTANCE_AT.ready) === 1n;
  }

  /** Number of slots there are now, at most {@linkcode MAX_SLOTS}: scaling changes it. */
  get slots(): number {
    return this.#atMost(INSTANCE_AT.slots, MAX_SLOTS);
  }

  /** What is kept of a slot, and what its processes show. */
  #sum(slot: number, at: number): number {
    let sum = bounded(this.#rows[slot * ROW_CELLS + ROW_TALLY_AT + at] ?? 0);
    const processRows = this.#atMost(INSTANCE_AT.processRows, MAX_PROCESS_ROWS);
    for (let processRow = 1; processRow <= processRows; processRow++) {
      const start = processRow * LANE_CELLS;
      if (this.#owners[start * 2 + OWNER_CELL] !== slot) continue;
      sum += bounded(this.#processRows[start + LANE_TALLY_AT + at] ?? 0);
    }
    return trunc(bounded(sum));
  }

  #atMost(cell: number, most: number): number {
    const value = bounded(toNumber(atomicLoad(this.#cells, cell)));
    return value < most ? value : most;
  }
}

/** Writes the scoreboard; for the master alone. */
export class ScoreboardWriter {
  readonly #cells: BigInt64Array;
  readonly #rows: Float64Array;
  #processRows = 0;

  /** Takes the shared memory, or an ordinary buffer where there is none. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new BigInt64Array(memory, 0, ROWS * ROW_CELLS);
    this.#rows = new Float64Array(memory, 0, ROWS * ROW_CELLS);
  }

  /**
   * Writes a cell of a slot.
   *
   * @throws {RangeError} If there is no such slot, or the value is not finite.
   */
  set(slot: number, cell: MasterCell, value: number): void {
    atomicStore(this.#cells, indexOf(slot, cell), toBigInt(trunc(value)));
  }

  /**
   * Shows what those processes of a slot have counted that are gone. Who reads at the very moment when
   * one of them goes misses it: its process row must not belong to the slot any more.
   */
  showKept(slot: number, kept: RequestCounters): void {
    const start = slot * ROW_CELLS + ROW_TALLY_AT;
    for (let at = 0; at < COUNTER_CELLS; at++) this.#rows[start + at] = kept[at] ?? 0;
  }

  /** Shows how many slots there are. */
  showSlots(count: number): void {
    atomicStore(this.#cells, INSTANCE_AT.slots, toBigInt(count));
  }

  /** Shows that the instance is ready, for good. */
  markReady(): void {
    atomicStore(this.#cells, INSTANCE_AT.ready, 1n);
  }

  /** A process row is in use: from now on workers count its counters. */
  useProcessRow(processRow: number): void {
    if (processRow <= this.#processRows) return;
    this.#processRows = processRow;
    atomicStore(this.#cells, INSTANCE_AT.processRows, toBigInt(processRow));
  }
}

function indexOf(slot: number, cell: RowCell): number {
  return slot * ROW_CELLS + ROW_AT[cell];
}

/** Nothing but numbers that a count can have; what is no number, or is below 0, is 0. */
function bounded(value: number): number {
  if (value >= 0) return value <= LARGEST_COUNT ? value : LARGEST_COUNT;
  return 0;
}
