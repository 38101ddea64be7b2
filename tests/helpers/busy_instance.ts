/**
 * An instance that is not there: documents of its stats as time goes by, for tests of who looks at them.
 *
 * @module
 */

import type { Stats, StatsWorker } from "../../lib/stats/stats.ts";
import { type Model, nextModel } from "../../lib/top/model.ts";
import { parseStats } from "../../lib/top/seen_stats.ts";
import { latencyOf, statsDocument, statsWorker } from "./stats_document.ts";

/** Requests per second of a worker, of its number. */
export function rateOf(id: number): number {
  return id * 10;
}

/** Its document after so many seconds: worker N serves 10 N requests per second. */
export function busyDocument(
  seconds: number,
  workers: number,
  changes: Partial<Stats> = {},
): Stats {
  return statsDocument({
    uptime_ms: 60_000 + seconds * 1000,
    workers: Array.from({ length: workers }, (_, i) => busyWorker(i + 1, seconds)),
    sockets: [{
      name: "127.0.0.1:8080",
      proto: "http",
      queue: 3,
      max_queue: 100,
      shared: 0,
      can_offload: 0,
      queues: workers,
    }],
    generation: 2,
    ...changes,
  });
}

/** How long the slow requests of workers took at most: one in twenty. */
const SLOW_US = [2_500, 5_000, 25_000, 100_000] as const;

function busyWorker(id: number, seconds: number): StatsWorker {
  const requests = 1000 + Math.floor(rateOf(id) * seconds);
  const fast = Math.floor(requests * 0.95);
  return statsWorker({
    id,
    status: "busy",
    generation: 2,
    requests,
    in_flight: id,
    rss: (40 + id) * 1024 * 1024,
    vsz: 1024 * 1024 * 1024,
    age_ms: 60_000 + seconds * 1000,
    avg_rt: 1500,
    tx: requests * 1024,
    responses: { "1xx": 0, "2xx": requests - 10, "3xx": 4, "4xx": 3, "5xx": 3 },
    exceptions: 3,
    latency: latencyOf({ 1000: fast, [SLOW_US[id % SLOW_US.length] ?? 0]: requests - fast }),
  });
}

/** The model after these documents, one per second of this machine's clock. */
export function modelAfter(first: unknown, ...more: readonly unknown[]): Model {
  return more.reduce<Model>(
    (model, document, i) => nextModel(model, parseStats(document), (i + 1) * 1000),
    nextModel(null, parseStats(first), 0),
  );
}
