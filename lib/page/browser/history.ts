/**
 * What the page remembers: of each document the few numbers that charts show, for ten minutes.
 *
 * @module
 */

import { type InstanceRates, ratesBetween, sameMaster } from "../../stats/rates.ts";
import type { Stats } from "../../stats/stats.ts";

/** How long a reading is kept, in milliseconds. */
export const KEPT_MS = 600_000;

/** Readings further apart than this are not joined by a line, in milliseconds. */
export const GAP_MS = 3500;

/** One document, as the charts see it. */
export interface HistorySample {
  /** When it arrived, in milliseconds since the epoch, by the browser's clock. */
  readonly at: number;
  /** What happened since the reading before it; null: that is not known. */
  readonly rates: InstanceRates | null;
  /** Requests at work. */
  readonly inFlight: number;
  /** The latest event loop, in microseconds. */
  readonly lagMost: number;
  /** The event loop in the middle, in microseconds. */
  readonly lagMedian: number;
  /** Resident memory of each slot's worker, in bytes. */
  readonly memory: ReadonlyMap<number, number>;
  /** Connections that wait, by the number of the socket. */
  readonly queues: readonly number[];
}

/** The readings of the last ten minutes, the oldest first. */
export class History {
  #readings: HistorySample[] = [];
  #last: Stats | null = null;

  /** The readings, the oldest first. */
  get readings(): readonly HistorySample[] {
    return this.#readings;
  }

  /** The newest document; null: there is none. */
  get last(): Stats | null {
    return this.#last;
  }

  /** Takes a document that arrived at `at`, in milliseconds since the epoch. */
  add(stats: Stats, at: number): HistorySample {
    const before = this.#readings.at(-1);
    const last = this.#last;
    // An answer that was given before says nothing new.
    const known = last !== null && sameMaster(last, stats) && last.uptime_ms === stats.uptime_ms;
    if (before !== undefined && known) return before;
    // After a pause the mean over all of it would look like the present.
    const adjacent = before !== undefined && at - before.at <= GAP_MS;
    const rates = adjacent && last !== null ? ratesBetween(last, stats) : null;
    const reading = readingOf(stats, rates, at);
    this.#readings = [...this.#readings.filter((one) => at - one.at < KEPT_MS), reading];
    this.#last = stats;
    return reading;
  }
}

function readingOf(stats: Stats, rates: InstanceRates | null, at: number): HistorySample {
  const lags = stats.workers.filter(({ pid }) => pid > 0).map(({ lag_us: lag }) => lag)
    .sort((a, b) => a - b);
  return {
    at,
    rates,
    inFlight: stats.in_flight,
    lagMost: lags.at(-1) ?? 0,
    lagMedian: lags[Math.floor(lags.length / 2)] ?? 0,
    memory: new Map(stats.workers.map(({ id, rss }) => [id, rss])),
    queues: stats.sockets.map(({ queue }) => queue),
  };
}

/** The readings since `from`, in runs between which there are gaps. */
export function runsSince(readings: readonly HistorySample[], from: number): HistorySample[][] {
  const runs: HistorySample[][] = [];
  let before = -Infinity;
  for (const reading of readings) {
    // One reading before the edge, so that the line does not begin inside the chart.
    if (reading.at < from - GAP_MS) continue;
    if (reading.at - before > GAP_MS) runs.push([]);
    runs.at(-1)?.push(reading);
    before = reading.at;
  }
  return runs;
}
