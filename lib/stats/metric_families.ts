/**
 * What `/metrics` says about an instance: one row for each metric, from which the text and the reference
 * are made. Names and units follow the conventions of Prometheus: base units, `_total` for counters.
 *
 * @module
 */

import type { ReloadOutcome } from "../core/verdict.ts";
import type { WorkerState } from "../core/worker_table.ts";
import type { Family, FamilyType, Sample } from "./exposition.ts";
import { STATUS_CLASSES } from "./rates.ts";
import type { Stats } from "./stats.ts";

/** A metric: how it is explained, and where its values come from. */
export interface MetricRow extends Omit<Family, "samples"> {
  /** The labels of its values, apart from `le` of histograms. */
  readonly labels: readonly string[];
  /** Its values now. */
  readonly of: (stats: Stats) => readonly Sample[];
}

const PHASES = namesOf<Stats["phase"]>({ starting: 0, running: 0, stopping: 0, killing: 0 });
const STATES = namesOf<WorkerState>({
  starting: 0,
  accepting: 0,
  paused: 0,
  standby: 0,
  recalled: 0,
  retiring: 0,
  killed: 0,
});
const OUTCOMES = namesOf<ReloadOutcome>({
  done: 0,
  failed: 0,
  "rolled-back": 0,
  cancelled: 0,
});

/** All names of a type: the compiler sees that none is missing. */
function namesOf<T extends string>(names: Readonly<Record<T, 0>>): readonly T[] {
  return Object.keys(names) as T[];
}

/** All of them, in the order of the text. */
export const METRIC_ROWS: readonly MetricRow[] = [
  {
    name: "duwsgi_build",
    type: "info",
    unit: "",
    help: "What runs: the version of duwsgi and the script.",
    labels: ["version", "script"],
    of: ({ version, script }) => [{ labels: { version, script }, value: 1 }],
  },
  instance(
    "duwsgi_start_time_seconds",
    "gauge",
    "When the master started.",
    (stats) => stats.started_on,
  ),
  {
    name: "duwsgi_phase",
    type: "gauge",
    unit: "",
    help: "1 for what the instance is doing, 0 for the rest.",
    labels: ["phase"],
    of: (stats) => PHASES.map((phase) => sample({ phase }, Number(stats.phase === phase))),
  },
  instance(
    "duwsgi_ready",
    "gauge",
    "1 once every worker slot has accepted.",
    (stats) => Number(stats.ready),
  ),
  instance(
    "duwsgi_paused",
    "gauge",
    "1 while no worker is to accept.",
    (stats) => Number(stats.paused),
  ),
  instance(
    "duwsgi_generation",
    "gauge",
    "The generation that is respawned.",
    (stats) => stats.generation,
  ),
  instance(
    "duwsgi_processes",
    "gauge",
    "Worker slots that are configured.",
    (stats) => stats.processes,
  ),
  instance("duwsgi_processes_wanted", "gauge", "Worker slots that are to have a worker now.", (
    stats,
  ) => stats.wanted),
  {
    name: "duwsgi_workers",
    type: "gauge",
    unit: "",
    help: "Worker processes by state, those that leave included.",
    labels: ["state"],
    of: (stats) => {
      const all = stats.workers.flatMap((worker) => [worker, ...worker.others]);
      return STATES.map((state) =>
        sample({ state }, all.filter((process) => process.state === state).length)
      );
    },
  },
  instance(
    "duwsgi_reload_running",
    "gauge",
    "1 while a reload is on its way.",
    (stats) => Number(stats.reload !== null),
  ),
  {
    name: "duwsgi_reload_slots",
    type: "gauge",
    unit: "",
    help: "Worker slots of the reload on its way, by how far they are.",
    labels: ["state"],
    of: ({ reload }) =>
      (["pending", "starting", "done"] as const).map((state) =>
        sample({ state }, reload?.[state].length ?? 0)
      ),
  },
  {
    name: "duwsgi_reloads",
    type: "counter",
    unit: "",
    help: "Reloads that have ended, by how.",
    labels: ["outcome"],
    of: ({ reload_outcomes: counts }) =>
      OUTCOMES.map((outcome) => sample({ outcome }, counts[outcome])),
  },
  instance(
    "duwsgi_log_lines_lost",
    "counter",
    "Log lines that could not be written.",
    (stats) => stats.log_lines_lost,
  ),
  instance(
    "duwsgi_listen_queue_drops",
    "counter",
    "Connections that the kernel dropped because a queue was full.",
    (stats) => stats.listen_queue_errors,
  ),
  ...socketRows(),
  ...workerRows(),
  ...daemonRows(),
];

/** All metrics of duwsgi itself with their values. */
export function metricFamilies(stats: Stats): Family[] {
  return METRIC_ROWS.map(({ name, type, unit, help, of }) => ({
    name,
    type,
    unit,
    help,
    samples: of(stats),
  }));
}

function sample(labels: Sample["labels"], value: Sample["value"]): Sample {
  return { labels, value };
}

/** A metric with one value. Its unit is the last word of its name, if that is one. */
function instance(
  name: string,
  type: FamilyType,
  help: string,
  value: (stats: Stats) => number,
): MetricRow {
  return { name, type, unit: unitOf(name), help, labels: [], of: (s) => [sample({}, value(s))] };
}

function unitOf(name: string): string {
  return /_(seconds|bytes)$/.exec(name)?.[1] ?? "";
}

/** A metric with a value for each of something that has a number or name. */
function each<T>(
  label: string,
  items: (stats: Stats) => readonly (readonly [name: string, item: T])[],
): (
  name: string,
  type: FamilyType,
  help: string,
  value: (item: T, stats: Stats) => Sample["value"],
) => MetricRow {
  return (name, type, help, value) => ({
    name,
    type,
    unit: unitOf(name),
    help,
    labels: [label],
    of: (stats) => items(stats).map(([key, item]) => sample({ [label]: key }, value(item, stats))),
  });
}

function socketRows(): MetricRow[] {
  const socket = each("socket", (stats) => stats.sockets.map((one) => [one.name, one] as const));
  return [
    socket("duwsgi_socket_waiting_connections", "gauge", "Connections that wait to be accepted.", (
      { queue },
    ) => queue),
    socket("duwsgi_socket_queue_limit", "gauge", "Connections that may wait in one queue.", (
      { max_queue },
    ) => max_queue),
    socket("duwsgi_socket_queues", "gauge", "Queues of the socket: one per slot, or one.", (
      { queues },
    ) => queues),
  ];
}

function workerRows(): MetricRow[] {
  const worker = each(
    "worker",
    (stats) => stats.workers.map((one) => [String(one.id), one] as const),
  );
  return [
    worker(
      "duwsgi_worker_accepting",
      "gauge",
      "1 while the slot's worker accepts.",
      (one) => one.accepting,
    ),
    worker(
      "duwsgi_worker_generation",
      "gauge",
      "Generation of the slot's worker.",
      (one) => one.generation,
    ),
    worker("duwsgi_worker_requests", "counter", "Requests that began.", (one) => one.requests),
    {
      name: "duwsgi_worker_responses",
      type: "counter",
      unit: "",
      help: "Responses, by the first digit of their status.",
      labels: ["worker", "code"],
      of: ({ workers }) =>
        workers.flatMap(({ id, responses }) =>
          STATUS_CLASSES.map((code) => sample({ worker: String(id), code }, responses[code]))
        ),
    },
    worker("duwsgi_worker_exceptions", "counter", "Handlers that threw.", (one) => one.exceptions),
    worker(
      "duwsgi_worker_harakiris",
      "counter",
      "Workers that harakiri ended.",
      (one) => one.harakiri_count,
    ),
    worker(
      "duwsgi_worker_starts",
      "counter",
      "Workers that the slot has had.",
      (one) => one.respawn_count,
    ),
    worker(
      "duwsgi_worker_deaths_in_a_row",
      "gauge",
      "Deaths without a long life between.",
      (one) => one.deaths,
    ),
    worker(
      "duwsgi_worker_response_bytes",
      "counter",
      "Bytes of response bodies whose length was known before.",
      (one) => one.tx,
    ),
    worker(
      "duwsgi_worker_requests_in_flight",
      "gauge",
      "Requests at work.",
      (one) => one.in_flight,
    ),
    worker(
      "duwsgi_worker_request_duration_seconds",
      "histogram",
      "Time from a request to its response.",
      ({ latency }, { latency_bounds_us }) => ({
        bounds: latency_bounds_us.map((us) => us / 1e6),
        counts: latency.buckets,
        sum: latency.sum_us / 1e6,
      }),
    ),
    worker(
      "duwsgi_worker_event_loop_lag_seconds",
      "gauge",
      "How late its event loop was.",
      (one) => one.lag_us / 1e6,
    ),
    worker("duwsgi_worker_resident_memory_bytes", "gauge", "Resident memory.", (one) => one.rss),
    worker("duwsgi_worker_virtual_memory_bytes", "gauge", "Address space.", (one) => one.vsz),
    worker(
      "duwsgi_worker_start_time_seconds",
      "gauge",
      "When the slot's worker started.",
      (one) => one.last_spawn,
    ),
  ];
}

/** By number: a command may hold what is nobody else's business. */
function daemonRows(): MetricRow[] {
  const daemon = each(
    "daemon",
    (stats) => (stats.daemons ?? []).map((one, i) => [String(i + 1), one] as const),
  );
  return [
    daemon(
      "duwsgi_daemon_running",
      "gauge",
      "1 while the attached daemon runs.",
      (one) => Number(one.pid > 0),
    ),
    daemon(
      "duwsgi_daemon_respawns",
      "counter",
      "Times the daemon was started again.",
      (one) => one.respawns,
    ),
  ];
}
