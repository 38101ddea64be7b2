/**
 * The limits of workers as configured, and what has to be watched for them: an instance without limits
 * loads and does nothing more than this.
 *
 * @module
 */

import { SAMPLE_MS } from "./sample.ts";

/** The limits as configured. Zero switches a limit off. */
export interface Limits {
  /** Requests after which a worker is replaced (`max-requests`). @default 0 */
  readonly maxRequests: number;
  /** How many more each slot has than the one before it (`max-requests-delta`). @default 0 */
  readonly maxRequestsDelta: number;
  /** Age at which a worker is replaced (`max-worker-lifetime`), ms. @default 0 */
  readonly maxWorkerLifetimeMs: number;
  /** How much later in each slot (`max-worker-lifetime-delta`), ms. @default 0 */
  readonly maxWorkerLifetimeDeltaMs: number;
  /** Requests and memory do not end a worker before this age (`min-worker-lifetime`), ms. @default 10000 */
  readonly minWorkerLifetimeMs: number;
  /** Memory in RAM at which a worker is replaced (`reload-on-rss`), bytes. @default 0 */
  readonly reloadOnRss: number;
  /** Address space at which a worker is replaced (`reload-on-as`), bytes. @default 0 */
  readonly reloadOnAs: number;
  /** Memory in RAM at which a worker is killed (`evil-reload-on-rss`), bytes. @default 0 */
  readonly evilReloadOnRss: number;
  /** The longest a request may take (`harakiri`), ms. @default 0 */
  readonly harakiriMs: number;
  /** Time for a condemned worker's other requests (`harakiri-graceful-timeout`), ms. @default 10000 */
  readonly harakiriGracefulTimeoutMs: number;
  /** The longest an event loop may be blocked (`hang-timeout`), ms. @default 0 */
  readonly hangTimeoutMs: number;
}

/** A worker that has missed so many of its heartbeats in a row is not just late. */
export const HEARTBEATS_PER_HANG = 3;

/** How often workers say that their event loop runs, unless `hang-timeout` needs it sooner (10 s). */
const HEARTBEAT_MS = 10_000;

/** What else of a configuration has workers say so. */
interface LagReaders {
  /** `cheaper` goes by how late they are each second. */
  readonly cheaper?: number;
  /** The stats show how late they are, to whoever reads them, */
  readonly stats?: readonly unknown[];
  /** over HTTP, */
  readonly metricsHttp?: readonly unknown[];
  /** or gets them. */
  readonly statsPush?: readonly unknown[];
}

/** How often workers are to say so. */
export function heartbeatMs(
  { hangTimeoutMs, cheaper = 0, stats = [], metricsHttp = [], statsPush = [] }:
    & Pick<Limits, "hangTimeoutMs">
    & LagReaders,
): number {
  const shown = [stats, metricsHttp, statsPush].some((readers) => readers.length > 0);
  if (cheaper > 0 || shown) return SAMPLE_MS;
  if (hangTimeoutMs === 0) return HEARTBEAT_MS;
  const needed = Math.max(SAMPLE_MS, Math.floor(hangTimeoutMs / HEARTBEATS_PER_HANG));
  return Math.min(HEARTBEAT_MS, needed);
}

/** What has to be watched for these limits. */
export interface SamplingNeeds {
  /** True if samples are to be taken. */
  readonly samples: boolean;
  /** True if they are to show memory. */
  readonly memory: boolean;
  /** True if workers are to show the names of requests. */
  readonly names: boolean;
}

/** What these limits need. */
export function samplingNeeds(limits: Limits): SamplingNeeds {
  const memory = limits.reloadOnRss > 0 || limits.reloadOnAs > 0 || limits.evilReloadOnRss > 0;
  const names = limits.harakiriMs > 0 || limits.hangTimeoutMs > 0;
  const ages = limits.maxRequests > 0 || limits.maxWorkerLifetimeMs > 0;
  return { samples: memory || names || ages, memory, names };
}
