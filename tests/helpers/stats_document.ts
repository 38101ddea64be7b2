/**
 * Documents of the stats, for tests of what reads them.
 *
 * @module
 */

import { LATENCY_BOUNDS_US, type Stats, type StatsWorker } from "../../lib/stats/stats.ts";

/** A histogram with this many requests in the bucket of each given bound. */
export function latencyOf(counts: Readonly<Record<number, number>> = {}): StatsWorker["latency"] {
  const buckets = [...LATENCY_BOUNDS_US, Infinity].map((bound) => counts[bound] ?? 0);
  return { buckets, sum_us: 0 };
}

/** A worker that accepts and has had no request, with changes. */
export function statsWorker(changes: Partial<StatsWorker> = {}): StatsWorker {
  const id = changes.id ?? 1;
  return {
    id,
    pid: 1000 + id,
    accepting: 1,
    requests: 0,
    delta_requests: 0,
    exceptions: 0,
    harakiri_count: 0,
    signals: 0,
    signal_queue: 0,
    status: "idle",
    rss: 60_000_000,
    vsz: 0,
    running_time: 0,
    last_spawn: 1_700_000_000,
    respawn_count: 1,
    tx: 0,
    avg_rt: 0,
    apps: [],
    cores: [],
    state: "accepting",
    generation: 1,
    age_ms: 10_000,
    in_flight: 0,
    lag_us: 300,
    responses: { "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 },
    latency: latencyOf(),
    deaths: 0,
    respawn_in_ms: null,
    last_leave: null,
    others: [],
    ...changes,
  };
}

/** The document of an instance with one worker, with changes. */
export function statsDocument(changes: Partial<Stats> = {}): Stats {
  const workers = changes.workers ?? [statsWorker()];
  return {
    version: "0.1.0",
    listen_queue: 0,
    listen_queue_errors: 0,
    signal_queue: 0,
    load: 0,
    pid: 1000,
    uid: 0,
    gid: 0,
    cwd: "/srv/app",
    locks: [],
    sockets: [],
    workers,
    script: "/srv/app/app.ts",
    started_on: 1_700_000_000,
    uptime_ms: 10_000,
    phase: "running",
    paused: false,
    ready: true,
    processes: workers.length,
    wanted: workers.length,
    generation: 1,
    in_flight: 0,
    latency_bounds_us: LATENCY_BOUNDS_US,
    log_lines_lost: 0,
    reload: null,
    queued: null,
    reloads: [],
    reload_outcomes: { done: 0, "rolled-back": 0, failed: 0, cancelled: 0 },
    ...changes,
  };
}
