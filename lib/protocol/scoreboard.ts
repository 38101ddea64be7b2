/**
 * The scoreboard: a row of numbers per worker slot, in memory that master and workers share. Everybody
 * writes what happens where it happens, with atomics and without a system call; counts survive the
 * worker that made them. While a worker is replaced, two processes write to one row.
 *
 * @module
 */

import { LATENCY_BUCKETS } from "./latency.ts";

/** Largest number of worker slots of one instance. */
export const MAX_SLOTS = 1024;

/** 64-bit cells of one row, in order. */
const CELLS = [
  "pid",
  "accepting",
  "generation",
  "respawns",
  /** Seconds since the epoch. */
  "lastSpawn",
  "requests",
  "requestsAtSpawn",
  "exceptions",
  /** Microseconds that requests took, in total. */
  "runningTime",
  /** The same for the average request, see `request_meter.ts`. */
  "averageTime",
  /** Bytes of response bodies. */
  "sent",
] as const;

/** Name of a cell in a worker's row. */
export type Cell = typeof CELLS[number];

/** Lists of counters, which follow those cells, and how many counters each has. */
const LISTS = {
  /** Responses by the first digit of their status, from 1 on. */
  responses: 5,
  /** Requests by the time they took, see `latency.ts`. */
  latency: LATENCY_BUCKETS,
} as const;

/** Name of a list of counters in a worker's row. */
export type List = keyof typeof LISTS;

const LIST_AT: Readonly<Record<List, number>> = {
  responses: CELLS.length,
  latency: CELLS.length + LISTS.responses,
};

/** A whole number of cache lines: rows of different slots do not slow each other down. */
const ROW_CELLS = 40;
/** The first row belongs to the instance. */
const ROWS = MAX_SLOTS + 1;

/** 64-bit cells of the instance's row, in order. */
const INSTANCE_CELLS = [
  /** 1 once every slot has had an accepting worker. */
  "ready",
  /** How many slots there are. */
  "slots",
  /** Log lines that could not be written. */
  "logLinesLost",
] as const;

/** Name of a count of the instance as a whole. */
export type InstanceCount = Exclude<typeof INSTANCE_CELLS[number], "ready" | "slots">;

/** Bytes of the whole scoreboard; behind it are the lanes, see `lane.ts`. */
export const SCOREBOARD_BYTES = ROWS * ROW_CELLS * 8;

/** More than this at once is cut before it becomes a 64-bit number, which is cheaper that way. */
const LARGEST_INT32 = 0x7fff_ffff;

/** A view of the scoreboard. */
export class Scoreboard {
  readonly #cells: BigInt64Array;
  /** The same memory. All systems that Deno runs on have the low half of a number first. */
  readonly #halves: Int32Array;

  /** Takes the shared memory, or an ordinary buffer where there is none. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new BigInt64Array(memory, 0, ROWS * ROW_CELLS);
    this.#halves = new Int32Array(memory, 0, ROWS * ROW_CELLS * 2);
  }

  /** Reads a cell of a slot (slots count from 1). */
  get(slot: number, cell: Cell): number {
    return Number(Atomics.load(this.#cells, this.#index(slot, cell)));
  }

  /** Writes a cell of a slot. */
  set(slot: number, cell: Cell, value: number): void {
    Atomics.store(this.#cells, this.#index(slot, cell), BigInt(Math.trunc(value)));
  }

  /** Adds one to a cell of a slot. */
  increment(slot: number, cell: Cell): void {
    Atomics.add(this.#cells, this.#index(slot, cell), 1n);
  }

  /** Reads a list of a slot. */
  list(slot: number, list: List): number[] {
    const start = this.#listIndex(slot, list);
    return Array.from(
      { length: LISTS[list] },
      (_, i) => Number(Atomics.load(this.#cells, start + i)),
    );
  }

  /** A function that adds one to a cell, with the look-up done once: for the path of each request. */
  counter(slot: number, cell: Cell): () => void {
    return this.#counterAt(this.#index(slot, cell));
  }

  /** A function that adds a whole number, 0 or more, to a cell. */
  adder(slot: number, cell: Cell): (amount: number) => void {
    const cells = this.#cells;
    const index = this.#index(slot, cell);
    return (amount) => {
      const few = amount <= LARGEST_INT32;
      Atomics.add(cells, index, few ? BigInt(amount | 0) : BigInt(Math.trunc(amount)));
    };
  }

  /** A function that adds one to a counter of a list, by its place from 0. There must be one. */
  counters(slot: number, list: List): (place: number) => void {
    const cells = this.#cells;
    const start = this.#listIndex(slot, list);
    return (place) => {
      Atomics.add(cells, start + place, 1n);
    };
  }

  /** A function that writes a number from 0 to 2147483647 to a cell; larger ones are cut. */
  gauge(slot: number, cell: Cell): (value: number) => void {
    const halves = this.#halves;
    const index = this.#index(slot, cell) * 2;
    return (value) => {
      Atomics.store(halves, index, value <= LARGEST_INT32 ? value : LARGEST_INT32);
    };
  }

  /** Reads a count of the instance. */
  instanceCount(cell: InstanceCount): number {
    return Number(Atomics.load(this.#cells, INSTANCE_CELLS.indexOf(cell)));
  }

  /** A function that adds one to a count of the instance. */
  instanceCounter(cell: InstanceCount): () => void {
    return this.#counterAt(INSTANCE_CELLS.indexOf(cell));
  }

  /** True once every slot has had an accepting worker: what `uwsgi.ready()` tells. */
  get ready(): boolean {
    return Atomics.load(this.#cells, INSTANCE_CELLS.indexOf("ready")) === 1n;
  }

  /** Number of slots there are now: scaling changes it. */
  get slots(): number {
    return Number(Atomics.load(this.#cells, INSTANCE_CELLS.indexOf("slots")));
  }

  set slots(count: number) {
    Atomics.store(this.#cells, INSTANCE_CELLS.indexOf("slots"), BigInt(count));
  }

  /** Marks the instance as ready, for good. */
  markReady(): void {
    Atomics.store(this.#cells, INSTANCE_CELLS.indexOf("ready"), 1n);
  }

  #counterAt(index: number): () => void {
    const cells = this.#cells;
    return () => {
      Atomics.add(cells, index, 1n);
    };
  }

  #index(slot: number, cell: Cell): number {
    return slot * ROW_CELLS + CELLS.indexOf(cell);
  }

  #listIndex(slot: number, list: List): number {
    return slot * ROW_CELLS + LIST_AT[list];
  }
}
