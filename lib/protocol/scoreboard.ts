/**
 * The scoreboard: a row of numbers per worker slot, in memory that master and workers share. The master
 * writes what it knows of a slot; what is counted of requests is in the tallies of the slot's processes
 * (`tally.ts`), which are added up when somebody looks, and added to the row when they are gone: counts
 * survive the worker that made them.
 *
 * @module
 */

import {
  LANE_BYTES,
  LANES_AT,
  MAX_LANES,
  MAX_SLOTS,
  OWNER_CELL,
  ROW_BYTES,
  TALLY_AT,
} from "./memory_layout.ts";
import {
  add,
  type Count,
  COUNT_AT,
  isCount,
  type List,
  LIST_AT,
  listLength,
  type Tally,
  TALLY_CELLS,
} from "./tally.ts";

export { MAX_SLOTS } from "./memory_layout.ts";

/** 64-bit cells of one row, in order; behind them is the tally of the processes that are gone. */
const CELLS = [
  "pid",
  "accepting",
  "generation",
  "respawns",
  /** Seconds since the epoch. */
  "lastSpawn",
  "requestsAtSpawn",
  /** Microseconds of the average request, see `request_meter.ts`. */
  "averageTime",
] as const;

/** Name of a cell that is written to a worker's row. */
export type RowCell = typeof CELLS[number];

/** Name of whatever a row shows. */
export type Cell = RowCell | Count;

/** Taken when this is loaded: a script that puts others in their place gets no hold of the memory. */
const { add: atomicAdd, load: atomicLoad, store: atomicStore } = Atomics;

const ROW_CELLS = ROW_BYTES / 8;
const ROW_TALLY_AT = CELLS.length;
/** The first row belongs to the instance. */
const ROWS = MAX_SLOTS + 1;

const LANE_CELLS = LANE_BYTES / 8;
const LANE_TALLY_AT = TALLY_AT / 8;

/** 64-bit cells of the instance's row, in order. */
const INSTANCE_CELLS = [
  /** 1 once every slot has had an accepting worker. */
  "ready",
  /** How many slots there are. */
  "slots",
  /** Log lines that could not be written. */
  "logLinesLost",
  /** The highest number of a lane that has ever been in use. */
  "lanes",
] as const;

/** Name of a count of the instance as a whole. */
export type InstanceCount = Exclude<typeof INSTANCE_CELLS[number], "ready" | "slots" | "lanes">;

/** More than this is shown as this where a cell is written in halves. */
const LARGEST_INT32 = 0x7fff_ffff;

/** A view of the scoreboard. */
export class Scoreboard {
  readonly #cells: BigInt64Array;
  /** The same memory, for the tallies. */
  readonly #rows: Float64Array;
  readonly #lanes: Float64Array;
  readonly #owners: Int32Array;

  /** Takes the shared memory, or an ordinary buffer where there is none. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new BigInt64Array(memory, 0, ROWS * ROW_CELLS);
    this.#rows = new Float64Array(memory, 0, ROWS * ROW_CELLS);
    this.#lanes = new Float64Array(memory, LANES_AT, (MAX_LANES + 1) * LANE_CELLS);
    this.#owners = new Int32Array(memory, LANES_AT, (MAX_LANES + 1) * LANE_CELLS * 2);
  }

  /** Reads a cell of a slot (slots count from 1), or adds up a count of its processes. */
  get(slot: number, cell: Cell): number {
    if (isCount(cell)) return this.#sum(slot, COUNT_AT[cell]);
    return Number(atomicLoad(this.#cells, this.#index(slot, cell)));
  }

  /** Writes a cell of a slot. */
  set(slot: number, cell: RowCell, value: number): void {
    atomicStore(this.#cells, this.#index(slot, cell), BigInt(Math.trunc(value)));
  }

  /**
   * A function that writes a number from 0 to 2147483647 to a cell of a slot; larger ones are cut. It
   * writes the low half only, which all systems that Deno runs on have first, and takes no atomic
   * operation: of two processes that write, one wins.
   */
  gauge(slot: number, cell: RowCell): (value: number) => void {
    const halves = new Int32Array(this.#cells.buffer, 0, ROWS * ROW_CELLS * 2);
    const index = this.#index(slot, cell) * 2;
    return (value) => {
      halves[index] = value <= LARGEST_INT32 ? value : LARGEST_INT32;
    };
  }

  /** Adds one to a cell of a slot. */
  increment(slot: number, cell: RowCell): void {
    atomicAdd(this.#cells, this.#index(slot, cell), 1n);
  }

  /** Adds up a list of counts of a slot's processes. */
  list(slot: number, list: List): number[] {
    const start = LIST_AT[list];
    return Array.from({ length: listLength(list) }, (_, i) => this.#sum(slot, start + i));
  }

  /**
   * Keeps the tally of a process that is gone, or was. Who reads in another process at this very moment
   * misses it: its lane must not belong to the slot any more.
   */
  keep(slot: number, tally: Tally): void {
    const start = slot * ROW_CELLS + ROW_TALLY_AT;
    for (let at = 0; at < TALLY_CELLS; at++) add(this.#rows, start + at, tally[at] ?? 0);
  }

  /** Reads a count of the instance. */
  instanceCount(cell: InstanceCount): number {
    return Number(atomicLoad(this.#cells, INSTANCE_CELLS.indexOf(cell)));
  }

  /** A function that adds one to a count of the instance, or more. */
  instanceCounter(cell: InstanceCount): (by?: number) => void {
    const cells = this.#cells;
    const index = INSTANCE_CELLS.indexOf(cell);
    return (by = 1) => {
      atomicAdd(cells, index, BigInt(by));
    };
  }

  /** True once every slot has had an accepting worker: what `uwsgi.ready()` tells. */
  get ready(): boolean {
    return atomicLoad(this.#cells, INSTANCE_CELLS.indexOf("ready")) === 1n;
  }

  /** Number of slots there are now: scaling changes it. */
  get slots(): number {
    return Number(atomicLoad(this.#cells, INSTANCE_CELLS.indexOf("slots")));
  }

  set slots(count: number) {
    atomicStore(this.#cells, INSTANCE_CELLS.indexOf("slots"), BigInt(count));
  }

  /** Marks the instance as ready, for good. */
  markReady(): void {
    atomicStore(this.#cells, INSTANCE_CELLS.indexOf("ready"), 1n);
  }

  /** A lane is in use: from now on its tally counts. */
  useLane(lane: number): void {
    if (lane <= this.#highestLane) return;
    atomicStore(this.#cells, INSTANCE_CELLS.indexOf("lanes"), BigInt(lane));
  }

  get #highestLane(): number {
    return Number(atomicLoad(this.#cells, INSTANCE_CELLS.indexOf("lanes")));
  }

  /** What is kept of a slot, and what its processes show, also those that ended just now. */
  #sum(slot: number, at: number): number {
    let sum = this.#rows[slot * ROW_CELLS + ROW_TALLY_AT + at] ?? 0;
    const lanes = this.#highestLane;
    for (let lane = 1; lane <= lanes; lane++) {
      const start = lane * LANE_CELLS;
      if (this.#owners[start * 2 + OWNER_CELL] !== slot) continue;
      sum += this.#lanes[start + LANE_TALLY_AT + at] ?? 0;
    }
    return Math.trunc(sum);
  }

  #index(slot: number, cell: RowCell): number {
    return slot * ROW_CELLS + CELLS.indexOf(cell);
  }
}
