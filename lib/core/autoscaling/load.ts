/**
 * How busy a worker is. A Deno worker is one event loop that serves many requests at once, so that it
 * is not simply busy or free: its load is the largest of three shares, each of them 1 where more would
 * make clients wait.
 *
 * @module
 */

import { SAMPLE_MS, type WorkerSample } from "../policies/sample.ts";

/** What makes a worker fully loaded. */
export interface LoadSettings {
  /** Lag of the event loop (`cheaper-busy-lag`), ms. */
  readonly busyLagMs: number;
  /** Requests in flight (`cheaper-busy-requests`); 0: their number does not matter. */
  readonly busyRequests: number;
}

/** What a load is found from. */
export type LoadSample = Pick<
  WorkerSample,
  "requests" | "inFlight" | "silentMs" | "heartbeatMs" | "loopLagMs"
>;

/**
 * Share of one CPU that makes a worker fully loaded. Beyond it, requests wait for each other more than
 * they are worked on, and a measurement over a second cannot tell much more.
 */
const FULL_CPU = 0.8;

/**
 * Share of one CPU below which a worker that counts no requests does nothing for anybody. The kernel
 * counts in steps of 10 ms, and an idle event loop takes one in some seconds, on slow machines two.
 */
const IDLE_CPU = 0.03;

/**
 * The load of a worker, from 0 to 1.
 *
 * @param before Its requests at the sample before.
 * @param cpu Share of one CPU it took since then; null: not known.
 */
export function loadOf(
  sample: LoadSample,
  before: number,
  cpu: number | null,
  { busyLagMs, busyRequests }: LoadSettings,
): number {
  if (!isAtWork(sample, before, cpu)) return 0;
  const crowd = busyRequests === 0 ? 0 : sample.inFlight / busyRequests;
  return Math.min(1, Math.max(crowd, lagOf(sample) / busyLagMs, (cpu ?? 0) / FULL_CPU));
}

/**
 * True if the worker had requests since the sample before; what else keeps it at work does not count.
 * The requests of servers that the script made without the uwsgi module are not known. A worker that
 * has counted none may be such a one: there, the CPU speaks.
 */
export function isAtWork(sample: LoadSample, before: number, cpu: number | null): boolean {
  if (sample.inFlight > 0 || sample.requests !== before) return true;
  return sample.requests === 0 && (cpu ?? 0) >= IDLE_CPU;
}

/**
 * How late the event loop is (ms): as its last heartbeat said, or as much as the next one is overdue.
 * Silence is counted in whole samples, so that the first one more proves nothing.
 */
export function lagOf({ silentMs, heartbeatMs, loopLagMs }: LoadSample): number {
  return Math.max(loopLagMs ?? 0, silentMs - heartbeatMs - SAMPLE_MS, 0);
}
