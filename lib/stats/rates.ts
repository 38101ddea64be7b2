/**
 * What happened between two documents of the stats: rates and latencies, for all workers and for each.
 *
 * @module
 */

import { quantile } from "./quantile.ts";
import type { Stats, StatsWorker } from "./stats.ts";

/** The first digits of an HTTP status, as the stats count them. */
export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** One of {@linkcode STATUS_CLASSES}. */
export type StatusClass = typeof STATUS_CLASSES[number];

/** What happened in some time, in one worker slot or in all of them. */
export interface Rates {
  /** Requests per second. */
  readonly requests: number;
  /** Responses per second, by the first digit of their status. */
  readonly responses: Readonly<Record<StatusClass, number>>;
  /** Half of the requests took no longer, in microseconds; null: there were none. */
  readonly p50_us: number | null;
  /** 99 of 100 requests took no longer, in microseconds; null: there were none. */
  readonly p99_us: number | null;
}

/** The rates of an instance. */
export interface InstanceRates extends Rates {
  /** How much time is between the two documents, in seconds. */
  readonly seconds: number;
  /** The rates of each slot that is in both documents, by its number. */
  readonly workers: ReadonlyMap<number, Rates>;
}

/** True if both documents are from one master that was not restarted between them. */
export function sameMaster(before: Stats, after: Stats): boolean {
  return before.pid === after.pid && before.started_on === after.started_on;
}

/**
 * The rates between two documents.
 *
 * @returns null if they cannot be compared: they are of two masters, or not one after the other
 */
export function ratesBetween(before: Stats, after: Stats): InstanceRates | null {
  const seconds = (after.uptime_ms - before.uptime_ms) / 1000;
  if (!sameMaster(before, after) || seconds <= 0) return null;
  const earlier = new Map(before.workers.map((worker) => [worker.id, worker]));
  const changes = new Map<number, Change>();
  for (const worker of after.workers) {
    const previous = earlier.get(worker.id);
    // A slot that scaling has brought back goes on with old counts: they say nothing about now.
    if (previous !== undefined) changes.set(worker.id, changeOf(previous, worker));
  }
  const bounds = after.latency_bounds_us;
  const workers = new Map(
    [...changes].map(([id, change]) => [id, ratesOf(change, seconds, bounds)]),
  );
  return { seconds, workers, ...ratesOf(sumOf([...changes.values()]), seconds, bounds) };
}

/** What was counted between two documents. */
interface Change {
  readonly requests: number;
  readonly responses: Readonly<Record<StatusClass, number>>;
  readonly buckets: readonly number[];
}

function changeOf(before: StatsWorker, after: StatsWorker): Change {
  return {
    requests: increase(before.requests, after.requests),
    responses: byClass((name) => increase(before.responses[name], after.responses[name])),
    buckets: after.latency.buckets.map((count, index) =>
      increase(before.latency.buckets[index] ?? 0, count)
    ),
  };
}

/** Counts never fall; if one does, nothing is known about that time. */
function increase(before: number, after: number): number {
  return Math.max(0, after - before);
}

function sumOf(changes: readonly Change[]): Change {
  const sum = (count: (change: Change) => number) =>
    changes.reduce((total, change) => total + count(change), 0);
  const buckets = Math.max(0, ...changes.map((change) => change.buckets.length));
  return {
    requests: sum((change) => change.requests),
    responses: byClass((name) => sum((change) => change.responses[name])),
    buckets: Array.from(
      { length: buckets },
      (_, index) => sum((change) => change.buckets[index] ?? 0),
    ),
  };
}

function ratesOf(change: Change, seconds: number, bounds: readonly number[]): Rates {
  return {
    requests: change.requests / seconds,
    responses: byClass((name) => change.responses[name] / seconds),
    p50_us: quantile(bounds, change.buckets, 0.5),
    p99_us: quantile(bounds, change.buckets, 0.99),
  };
}

function byClass(value: (name: StatusClass) => number): Record<StatusClass, number> {
  return {
    "1xx": value("1xx"),
    "2xx": value("2xx"),
    "3xx": value("3xx"),
    "4xx": value("4xx"),
    "5xx": value("5xx"),
  };
}
