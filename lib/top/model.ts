/**
 * What becomes of one look at an instance after the other: how much there was per second, how long it
 * took, and how that went on. Pure: the time comes in with the document.
 *
 * @module
 */

import { quantile } from "../stats/quantile.ts";
import { type Buckets, bucketsSince, sumOfBuckets } from "./latency.ts";
import type { SeenStats, SeenWorker } from "./seen_stats.ts";

/** So many looks back go into the response times, that they mean something at few requests. */
export const LATENCY_LOOKS = 10;

/** So many looks back are kept for the sparklines. */
export const HISTORY_LOOKS = 120;

/** What is known of an instance. */
export interface Model {
  readonly stats: SeenStats;
  /** When that was, in milliseconds of a clock that only goes forward. */
  readonly takenAt: number;
  /** Seconds between the last two looks; null: there was only one. */
  readonly interval: number | null;
  readonly total: Figures;
  /** In the order of the document. */
  readonly workers: readonly WorkerModel[];
}

/** A worker slot with what was computed. */
export interface WorkerModel {
  readonly seen: SeenWorker;
  readonly figures: Figures;
}

/**
 * What a client takes for an error: responses with a status of 5xx. Frameworks answer the exceptions of
 * their handlers themselves; one that gets through is a 5xx as well, where responses are known.
 */
export function errorsOf({ exceptions, responses }: SeenWorker): number {
  return Math.max(exceptions, responses.get("5xx") ?? 0);
}

/** What is computed for a worker, and for all of them. Null: not known yet, or not said. */
export interface Figures {
  readonly requestsPerSecond: number | null;
  readonly exceptionsPerSecond: number | null;
  /** Of what {@linkcode errorsOf} counts. */
  readonly errorsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** Within so many microseconds half of the last requests was answered; beyond the last bound: that. */
  readonly p50Us: number | null;
  /** And 99 of 100. */
  readonly p99Us: number | null;
  /** The last requests by how long they took: of the last looks, or of all time at the first one. */
  readonly buckets: Buckets;
  /** Requests per second at the last looks, the newest last. */
  readonly history: readonly number[];
  /** Histograms as they were at the last looks, the newest last. */
  readonly looks: readonly Buckets[];
}

/** The model after another look at `at`; without one before, or of another master, a new one. */
export function nextModel(before: Model | null, stats: SeenStats, at: number): Model {
  const last = before !== null && isSameMaster(before.stats, stats) ? before : null;
  const interval = last === null ? null : secondsBetween(last, stats, at);
  const workers = stats.workers.map((seen) => {
    const old = last?.workers.find((one) => one.seen.id === seen.id);
    return { seen, figures: figuresOf(seen, old, stats.latencyBoundsUs, interval) };
  });
  return { stats, takenAt: at, interval, total: totalOf(workers, last, stats), workers };
}

function isSameMaster(before: SeenStats, after: SeenStats): boolean {
  return before.pid === after.pid && (before.uptimeMs ?? 0) <= (after.uptimeMs ?? 0);
}

/** By the master's clock if it has told it: an answer may come late. */
function secondsBetween(before: Model, after: SeenStats, at: number): number | null {
  const own = (after.uptimeMs ?? 0) - (before.stats.uptimeMs ?? 0);
  const ms = own > 0 ? own : at - before.takenAt;
  return ms > 0 ? ms / 1000 : null;
}

function figuresOf(
  seen: SeenWorker,
  before: WorkerModel | undefined,
  boundsUs: readonly number[],
  interval: number | null,
): Figures {
  const rate = (now: number, then: number | undefined): number | null =>
    then === undefined || interval === null || now < then ? null : (now - then) / interval;
  const requestsPerSecond = rate(seen.requests, before?.seen.requests);
  const looks = seen.latency === null
    ? []
    : [...before?.figures.looks ?? [], seen.latency].slice(-LATENCY_LOOKS - 1);
  const buckets = recent(looks);
  return {
    requestsPerSecond,
    exceptionsPerSecond: rate(seen.exceptions, before?.seen.exceptions),
    errorsPerSecond: rate(errorsOf(seen), before && errorsOf(before.seen)),
    bytesPerSecond: rate(seen.tx, before?.seen.tx),
    ...quantiles(buckets, boundsUs),
    buckets,
    history: longer(before?.figures.history, requestsPerSecond),
    looks,
  };
}

/** What came between the oldest look and the newest; at the first one, everything there was. */
function recent(looks: readonly Buckets[]): Buckets {
  const [first = []] = looks;
  const newest = looks.at(-1) ?? [];
  return (looks.length < 2 ? null : bucketsSince(first, newest)) ?? newest;
}

function quantiles(buckets: Buckets, boundsUs: readonly number[]) {
  const at = (share: number) => quantile(boundsUs, buckets, share);
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

function longer(
  history: readonly number[] | undefined,
  rate: number | null,
): readonly number[] {
  return rate === null ? history ?? [] : [...history ?? [], rate].slice(-HISTORY_LOOKS);
}

function totalOf(
  workers: readonly WorkerModel[],
  before: Model | null,
  { latencyBoundsUs }: SeenStats,
): Figures {
  const sum = (of: (figures: Figures) => number | null): number | null => {
    const known = workers.map(({ figures }) => of(figures)).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((all, value) => all + value, 0);
  };
  const requestsPerSecond = sum((figures) => figures.requestsPerSecond);
  const buckets = sumOfBuckets(
    workers.map(({ figures }) => figures.buckets).filter((one) => one.length > 0),
  );
  return {
    requestsPerSecond,
    exceptionsPerSecond: sum((figures) => figures.exceptionsPerSecond),
    errorsPerSecond: sum((figures) => figures.errorsPerSecond),
    bytesPerSecond: sum((figures) => figures.bytesPerSecond),
    ...quantiles(buckets, latencyBoundsUs),
    buckets,
    history: longer(before?.total.history, requestsPerSecond),
    looks: [],
  };
}
