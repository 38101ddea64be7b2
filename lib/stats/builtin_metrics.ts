/**
 * uWSGI's own metrics, worked out from the stats of an instance when somebody asks for them.
 *
 * @module
 */

import type { Stats, StatsMetric, StatsWorker } from "./stats.ts";

const COUNTER = 0;
const GAUGE = 1;
const ABSOLUTE = 2;
const ALIAS = 3;

/** What a metric of a worker is: its type, uWSGI's number for it (as far as known), and its value. */
type WorkerMetric = readonly [
  name: string,
  type: StatsMetric["type"],
  oid: string,
  value: (worker: WorkerNumbers) => number,
];

/** What metrics take from a worker, or from all of them. */
type WorkerNumbers = Pick<
  StatsWorker,
  | "requests"
  | "delta_requests"
  | "exceptions"
  | "respawn_count"
  | "avg_rt"
  | "tx"
  | "rss"
  | "vsz"
  | "running_time"
>;

const OF_WORKER: readonly WorkerMetric[] = [
  ["requests", COUNTER, "1", (worker) => worker.requests],
  ["delta_requests", ABSOLUTE, "2", (worker) => worker.delta_requests],
  ["failed_requests", COUNTER, "13", (worker) => worker.exceptions],
  ["respawns", COUNTER, "14", (worker) => worker.respawn_count],
  ["avg_response_time", GAUGE, "", (worker) => worker.avg_rt],
  ["total_tx", COUNTER, "", (worker) => worker.tx],
  ["rss_size", GAUGE, "", (worker) => worker.rss],
  ["vsz_size", GAUGE, "", (worker) => worker.vsz],
  ["running_time", COUNTER, "", (worker) => worker.running_time],
];

const OF_CORE: readonly WorkerMetric[] = [
  ["requests", COUNTER, "", (worker) => worker.requests],
  ["write_errors", COUNTER, "", () => 0],
  ["routed_requests", COUNTER, "", () => 0],
  ["static_requests", COUNTER, "", () => 0],
  ["offloaded_requests", COUNTER, "", () => 0],
  ["exceptions", COUNTER, "", (worker) => worker.exceptions],
  ["read_errors", COUNTER, "", () => 0],
];

/**
 * The metrics by name, in uWSGI's order. `worker.0` is the instance as a whole.
 *
 * @param cores False: without `worker.N.core.0` (`metrics-no-cores`).
 */
export function builtinMetrics(
  stats: Pick<Stats, "workers" | "sockets">,
  cores: boolean,
): Readonly<Record<string, StatsMetric>> {
  const { workers, sockets } = stats;
  const total = totalOf(workers);
  const count = (status: StatsWorker["status"]) =>
    workers.filter((worker) => worker.status === status).length;
  return {
    "core.routed_signals": { type: COUNTER, oid: "", value: 0 },
    "core.unrouted_signals": { type: COUNTER, oid: "", value: 0 },
    "core.busy_workers": { type: GAUGE, oid: "5.3", value: count("busy") },
    "core.idle_workers": { type: GAUGE, oid: "", value: count("idle") },
    "core.overloaded": { type: COUNTER, oid: "", value: 0 },
    "core.total_tx": { type: COUNTER, oid: "", value: total.tx },
    "core.total_running_time": { type: COUNTER, oid: "", value: total.running_time },
    "core.total_rss": { type: GAUGE, oid: "5.101", value: total.rss },
    "core.total_vsz": { type: GAUGE, oid: "", value: total.vsz },
    "core.avg_response_time": { type: GAUGE, oid: "5.103", value: total.avg_rt },
    "rss_size": { type: ALIAS, oid: "5.101", value: total.rss },
    "vsz_size": { type: ALIAS, oid: "", value: total.vsz },
    ...Object.assign(
      {},
      ofWorker(0, total, cores),
      ...workers.map((worker) => ofWorker(worker.id, worker, cores)),
    ),
    ...Object.fromEntries(
      sockets.map(({ queue }, i) =>
        [`socket.${i}.listen_queue`, { type: GAUGE, oid: `7.${i}.1`, value: queue }] as const
      ),
    ),
  };
}

function ofWorker(
  id: number,
  worker: WorkerNumbers,
  cores: boolean,
): Readonly<Record<string, StatsMetric>> {
  const entries = OF_WORKER.map(([name, type, oid, value]) =>
    [`worker.${id}.${name}`, {
      type,
      oid: oid === "" ? "" : `3.${id}.${oid}`,
      value: value(worker),
    }] as const
  );
  if (!cores) return Object.fromEntries(entries);
  const ofCore = OF_CORE.map(([name, type, oid, value]) =>
    [`worker.${id}.core.0.${name}`, { type, oid, value: value(worker) }] as const
  );
  return Object.fromEntries([...entries, ...ofCore]);
}

function totalOf(workers: readonly StatsWorker[]): WorkerNumbers {
  const sum = (value: (worker: StatsWorker) => number) =>
    workers.reduce((total, worker) => total + value(worker), 0);
  const asked = workers.filter(({ requests }) => requests > 0).length;
  return {
    requests: sum(({ requests }) => requests),
    delta_requests: sum(({ delta_requests }) => delta_requests),
    exceptions: sum(({ exceptions }) => exceptions),
    respawn_count: sum(({ respawn_count }) => respawn_count),
    // Of those that have answered something: the others say nothing about it.
    avg_rt: asked === 0 ? 0 : Math.round(sum(({ avg_rt }) => avg_rt) / asked),
    tx: sum(({ tx }) => tx),
    rss: sum(({ rss }) => rss),
    vsz: sum(({ vsz }) => vsz),
    running_time: sum(({ running_time }) => running_time),
  };
}
