/**
 * Runs in the master. Reads the counters of a worker process, as far as it can be true: the process, or
 * whoever else can write to the shared memory, may have put anything there.
 *
 * @module
 */

import { COUNT_AT, COUNTER_CELLS, type RequestCounters } from "../../shared_memory/counters.ts";

/** A clock in milliseconds that never goes back. */
export type Milliseconds = () => number;

/** What another program of the master has to know of counters. */
export interface CountersRecord {
  /** Each cell as it was read last. */
  readonly seen: readonly number[];
  /** How long its process has had it, in milliseconds. */
  readonly ageMs: number;
}

/** No process counts more events per second than this. */
const MOST_EVENTS = 1e6;
/** Bytes per second, and microseconds of requests that are at work at the same time. */
const MOST_AMOUNT = 1e11;

/** The most that each cell grows by in a second. */
const MOST_PER_SECOND: readonly number[] = Array.from({ length: COUNTER_CELLS }, (_, at) => {
  const isAmount = at === COUNT_AT.runningTime || at === COUNT_AT.sent;
  return isAmount ? MOST_AMOUNT : MOST_EVENTS;
});

/** For this long each process may have counted before it was seen first (60 s). */
const START_MS = 60_000;

/**
 * Counters whose cells never fall, and never grow by more than a process can count. A value that does not
 * fit is left out: the one before stays, until there is one that fits.
 */
export class CheckedCounters {
  readonly #shared: RequestCounters;
  readonly #seen: RequestCounters;
  readonly #clock: Milliseconds;
  readonly #since: number;

  /** Takes the cells that its process writes, and what was known of them before. */
  constructor(shared: RequestCounters, clock: Milliseconds, before: CountersRecord | null = null) {
    this.#shared = shared;
    this.#seen = new Float64Array(COUNTER_CELLS);
    this.#seen.set(before?.seen ?? []);
    this.#clock = clock;
    this.#since = clock() - (before?.ageMs ?? 0);
  }

  /** A cell by its place, see `counters.ts`. */
  read(at: number): number {
    const before = this.#seen[at] ?? 0;
    const value = this.#shared[at] ?? 0;
    // Comparing NaN is false.
    if (!(value > before && value <= this.#most(at))) return before;
    this.#seen[at] = value;
    return value;
  }

  /** Requests that its process has begun. */
  get requests(): number {
    return Math.trunc(this.read(COUNT_AT.requests));
  }

  /** What another program of the master has to know. */
  get record(): CountersRecord {
    const seen = Array.from(this.#seen, (_, at) => this.read(at));
    return { seen, ageMs: this.#clock() - this.#since };
  }

  #most(at: number): number {
    const seconds = (this.#clock() - this.#since + START_MS) / 1000;
    return Math.min(seconds * (MOST_PER_SECOND[at] ?? 0), Number.MAX_SAFE_INTEGER);
  }
}
