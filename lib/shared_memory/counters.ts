/**
 * Counters of requests. Each worker process has one in its process row, which nobody else
 * writes, so counting is a plain addition in memory: no atomic operation, no system call, and a worker
 * that is killed has counted what it has begun. The scoreboard adds up the counters of a slot, and keeps
 * those of processes that are gone.
 *
 * Every cell is a 64-bit floating-point number, exact up to 2^53. The machines that Deno runs on write
 * aligned 64 bits in one piece, so a reader sees the number before or after an addition.
 *
 * @module
 */

import { LATENCY_BUCKETS } from "./latency_buckets.ts";
import { tableOf } from "./memory_layout.ts";

/** Name of a single count. */
export type Count =
  | "requests"
  /** Handlers that threw. */
  | "exceptions"
  /** Microseconds that requests took, in total. */
  | "runningTime"
  /** Bytes of response bodies. */
  | "sent"
  /** Log lines that could not be written. */
  | "logLinesLost";

/** Name of a list of counts. */
export type List = "responses" | "latency";

/** Lists of counts, and how many each has. */
const LISTS: Readonly<Record<List, number>> = tableOf({
  /** Responses by the first digit of their status, from 1 on. */
  responses: 5,
  /** Requests by the time they took, see `latency.ts`. */
  latency: LATENCY_BUCKETS,
});

/** The cells of one process, or the sums of a slot. */
export type RequestCounters = Float64Array;

/** Where a list begins. */
export const LIST_AT: Readonly<Record<List, number>> = tableOf({
  responses: 4,
  latency: 4 + LISTS.responses,
});

/** Where a count is. */
export const COUNT_AT: Readonly<Record<Count, number>> = tableOf({
  requests: 0,
  exceptions: 1,
  runningTime: 2,
  sent: 3,
  logLinesLost: 4 + LISTS.responses + LISTS.latency,
});

/** Number of cells of counters. */
export const COUNTER_CELLS = COUNT_AT.logLinesLost + 1;

/** Number of counts in a list. */
export function listLength(list: List): number {
  return LISTS[list];
}

/** True for the name of a count. */
export function isCount(name: string): name is Count {
  return (COUNT_AT as Readonly<Record<string, number>>)[name] !== undefined;
}

/** Adds to a cell. */
export function add(counters: RequestCounters, at: number, amount: number): void {
  counters[at] = (counters[at] ?? 0) + amount;
}
