/**
 * Lanes: what each worker process tells its master without a message, in the memory they share. The
 * master reads it also when the worker's event loop is blocked. A lane belongs to one process, while
 * the rows of the scoreboard belong to slots: two workers that share a slot during a replacement have
 * two lanes.
 *
 * Process clocks have no common zero, and the master may be stopped or the machine suspended. So time
 * is told by a clock that the master itself ticks, once per second in which it runs: what a worker
 * notes with it can never be older than the master has watched.
 *
 * @module
 */

import { LANE_BYTES, LANES_AT, MAX_LANES, TALLY_AT } from "./memory_layout.ts";
import { COUNT_AT, type Tally, TALLY_CELLS } from "./tally.ts";

export { MAX_LANES, SHARED_BYTES } from "./memory_layout.ts";

/** 32-bit cells of a lane, in order. */
const CELLS = [
  /** The slot of its process: `OWNER_CELL`. */
  "slot",
  /** Requests whose handlers are at work. */
  "inFlight",
  /** When the oldest of them began; 0: none is in flight. */
  "oldestSince",
  /** When the worker wants to be killed, see `uwsgi.set_user_harakiri()`; 0: never. */
  "userDeadline",
  /** How late its event loop last was, in microseconds. */
  "lag",
  /** Odd while `oldestSince` and the name are being written. */
  "version",
  /** Bytes of the name. */
  "nameLength",
] as const;

/** Name of a number in a lane. */
export type LaneCell = Exclude<typeof CELLS[number], "version" | "nameLength">;

/** Taken when this is loaded: a script that puts others in their place gets no hold of the memory. */
const { add: atomicAdd, load: atomicLoad, store: atomicStore } = Atomics;

const LANE_CELLS = LANE_BYTES / 4;
const NAME_AT = TALLY_AT + TALLY_CELLS * 8;
/** Longest name of a request in bytes; of longer ones the beginning is kept. */
export const NAME_BYTES = LANE_BYTES - NAME_AT;

/** The oldest request of a worker, as its lane shows it. */
export interface LaneRequest {
  /** {@linkcode LaneClock} when it began, rounded up. */
  readonly since: number;
  /** Method and URL. */
  readonly name: string;
}

/** The clock that the master ticks. The place before the first lane holds it. */
export class LaneClock {
  readonly #cells: Int32Array;

  /** Takes the shared memory. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new Int32Array(memory, LANES_AT, 1);
  }

  /** Ticks so far. */
  get now(): number {
    return atomicLoad(this.#cells, 0);
  }

  /** Called by the master once per second; returns the new time. */
  tick(): number {
    return atomicAdd(this.#cells, 0, 1) + 1;
  }
}

/** A view of one lane. */
export class Lane {
  /** The master's clock. */
  readonly clock: LaneClock;
  /** What is counted of its requests. */
  readonly tally: Tally;
  readonly #cells: Int32Array;
  readonly #name: Uint8Array;

  /**
   * Takes the shared memory and the number of the lane, from 1.
   *
   * @throws {RangeError} If there is no such lane.
   */
  constructor(memory: ArrayBufferLike, number: number) {
    if (!(number >= 1 && number <= MAX_LANES)) throw new RangeError(`No lane ${number}`);
    const start = LANES_AT + number * LANE_BYTES;
    this.clock = new LaneClock(memory);
    this.tally = new Float64Array(memory, start + TALLY_AT, TALLY_CELLS);
    this.#cells = new Int32Array(memory, start, LANE_CELLS);
    this.#name = new Uint8Array(memory, start + NAME_AT, NAME_BYTES);
  }

  /** Forgets the process that had the lane before. */
  reset(): void {
    this.#cells.fill(0);
  }

  /** Reads a number. */
  get(cell: LaneCell): number {
    return atomicLoad(this.#cells, CELLS.indexOf(cell));
  }

  /** Writes a number (32 bits). */
  set(cell: LaneCell, value: number): void {
    atomicStore(this.#cells, CELLS.indexOf(cell), value);
  }

  /** Requests that its process has begun. */
  get requests(): number {
    return this.tally[COUNT_AT.requests] ?? 0;
  }

  /**
   * A function that writes a number, with the look-up done once, for the path of each request: nobody
   * else writes it, so it takes no atomic operation.
   */
  setter(cell: LaneCell): (value: number) => void {
    const cells = this.#cells;
    const index = CELLS.indexOf(cell);
    return (value) => {
      cells[index] = value;
    };
  }

  /** Shows the oldest request in flight; null: there is none. */
  showOldest(request: LaneRequest | null): void {
    if (request === null) return this.set("oldestSince", 0);
    const version = CELLS.indexOf("version");
    atomicAdd(this.#cells, version, 1);
    const { written } = encodeInto(request.name, this.#name);
    atomicStore(this.#cells, CELLS.indexOf("nameLength"), written);
    this.set("oldestSince", request.since);
    atomicAdd(this.#cells, version, 1);
  }

  /** The oldest request in flight; null: there is none, or it has just changed. */
  get oldest(): LaneRequest | null {
    const version = CELLS.indexOf("version");
    const before = atomicLoad(this.#cells, version);
    const since = this.get("oldestSince");
    const length = atomicLoad(this.#cells, CELLS.indexOf("nameLength"));
    const bytes = this.#name.slice(0, length);
    const changed = before % 2 !== 0 || atomicLoad(this.#cells, version) !== before;
    if (changed || since === 0) return null;
    return { since, name: new TextDecoder().decode(bytes) };
  }
}

const ENCODER = new TextEncoder();
const encodeInto = ENCODER.encodeInto.bind(ENCODER);
