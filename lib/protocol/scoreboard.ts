/**
 * The scoreboard: a row of numbers per worker slot, in memory that master and workers share. Everybody
 * writes what happens where it happens, with atomics and without a system call; counts survive the
 * worker that made them.
 *
 * @module
 */

/** Largest number of worker slots of one instance. */
export const MAX_SLOTS = 1024;

/** 64-bit cells of one row, in order. */
const CELLS = [
  "pid",
  "accepting",
  "generation",
  "respawns",
  "lastSpawn",
  "requests",
  "requestsAtSpawn",
  "exceptions",
] as const;

/** Name of a cell in a worker's row. */
export type Cell = typeof CELLS[number];

const ROW_CELLS = 16;
/** The first row belongs to the instance: whether every slot has accepted, and how many there are. */
const ROWS = MAX_SLOTS + 1;

/** Bytes of the whole scoreboard; behind it are the lanes, see `lane.ts`. */
export const SCOREBOARD_BYTES = ROWS * ROW_CELLS * 8;

/** A view of the scoreboard. */
export class Scoreboard {
  readonly #cells: BigInt64Array;

  /** Takes the shared memory, or an ordinary buffer where there is none. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new BigInt64Array(memory, 0, ROWS * ROW_CELLS);
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

  /** A function that adds one to a cell, with the look-up done once: for the path of each request. */
  counter(slot: number, cell: Cell): () => void {
    const cells = this.#cells;
    const index = this.#index(slot, cell);
    return () => {
      Atomics.add(cells, index, 1n);
    };
  }

  /** True once every slot has had an accepting worker: what `uwsgi.ready()` tells. */
  get ready(): boolean {
    return Atomics.load(this.#cells, 0) === 1n;
  }

  /** Number of slots there are now: scaling changes it. */
  get slots(): number {
    return Number(Atomics.load(this.#cells, 1));
  }

  set slots(count: number) {
    Atomics.store(this.#cells, 1, BigInt(count));
  }

  /** Marks the instance as ready, for good. */
  markReady(): void {
    Atomics.store(this.#cells, 0, 1n);
  }

  #index(slot: number, cell: Cell): number {
    return slot * ROW_CELLS + CELLS.indexOf(cell);
  }
}
