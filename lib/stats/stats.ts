/**
 * The document of the stats server: what uWSGI's has, field for field where the field has a meaning
 * here, so that its clients read ours unchanged, and further fields of our own. It is built from the
 * master's state and the scoreboard; every view of an instance (stats server, exporters, `top`, the
 * page) reads this and nothing else.
 *
 * Names are uWSGI's (snake_case). Times are whole numbers in the unit that the field says.
 *
 * @module
 */

import type { Phase, ReloadKind } from "../core/state.ts";
import type { MetricHistogram } from "../shared_memory/metric_table.ts";
import type { ReloadOutcome } from "../core/verdict.ts";
import type { WorkerState } from "../core/worker_table.ts";

export { LATENCY_BOUNDS_US } from "../shared_memory/latency_buckets.ts";

/** A histogram of the time from a request to its response, since the instance started. */
export interface Latency {
  /** How many requests fell into each bucket: one count more than {@linkcode LATENCY_BOUNDS_US}. */
  readonly buckets: readonly number[];
  /** Sum of all times, in microseconds. */
  readonly sum_us: number;
}

/** The whole document. */
export interface Stats {
  /** Version of duwsgi. */
  readonly version: string;
  /** Longest listen queue of all sockets, in connections. */
  readonly listen_queue: number;
  /** Connections that the kernel dropped because a queue was full, as far as it says so. */
  readonly listen_queue_errors: number;
  /** Always 0: there are no uWSGI signals. */
  readonly signal_queue: number;
  /** As in uWSGI the same as `listen_queue`. */
  readonly load: number;
  /** Process id of the master. */
  readonly pid: number;
  /** User id of the master. */
  readonly uid: number;
  /** Group id of the master. */
  readonly gid: number;
  /** Working directory of the master. */
  readonly cwd: string;
  /** Attached daemons, where there are any. */
  readonly daemons?: readonly StatsDaemon[];
  /** Always empty: nothing here takes locks. */
  readonly locks: readonly Readonly<Record<string, number>>[];
  /** Metrics by name, where they are enabled. */
  readonly metrics?: Readonly<Record<string, StatsMetric>>;
  /** The listening sockets, in the order of the configuration. */
  readonly sockets: readonly StatsSocket[];
  /** The worker slots, also those without a worker. */
  readonly workers: readonly StatsWorker[];
  /** Cron entries, where there are any. */
  readonly crons?: readonly StatsCron[];

  /** Not in uWSGI: the script that the workers run. */
  readonly script: string;
  /** Not in uWSGI: when the master started, in seconds since the epoch. */
  readonly started_on: number;
  /** Not in uWSGI: milliseconds since then. */
  readonly uptime_ms: number;
  /** Not in uWSGI: what the instance as a whole is doing. */
  readonly phase: Phase;
  /** Not in uWSGI: true while no worker is to accept. */
  readonly paused: boolean;
  /** Not in uWSGI: true once every slot has had an accepting worker. */
  readonly ready: boolean;
  /** Not in uWSGI: number of slots that are configured, or were asked for by `ctl scale`. */
  readonly processes: number;
  /** Not in uWSGI: how many of them are wanted now (`cheaper`, `idle`). */
  readonly wanted: number;
  /** Not in uWSGI: the generation that is respawned. */
  readonly generation: number;
  /** Not in uWSGI: requests at work in all workers. */
  readonly in_flight: number;
  /** Not in uWSGI: upper bounds of the buckets of every `latency`, in microseconds. */
  readonly latency_bounds_us: readonly number[];
  /** Not in uWSGI: log lines that could not be written, in all processes. */
  readonly log_lines_lost: number;
  /** Not in uWSGI: the reload that is running; null: none is. */
  readonly reload: StatsReload | null;
  /** Not in uWSGI: the kind of the reload that follows it; null: none does. */
  readonly queued: ReloadKind | null;
  /** Not in uWSGI: the reloads that ended last, the newest first, at most 20. */
  readonly reloads: readonly StatsVerdict[];
  /** Not in uWSGI: how many reloads have ended, by how. */
  readonly reload_outcomes: Readonly<Record<ReloadOutcome, number>>;
}

/** A listening socket. */
export interface StatsSocket {
  /** Its address as an operator writes it. */
  readonly name: string;
  /** `http` or `uwsgi`: what servers of the `uwsgi` module speak on it. */
  readonly proto: string;
  /** Connections that wait to be accepted, in all queues of the socket. */
  readonly queue: number;
  /** How many may wait in one of its queues. */
  readonly max_queue: number;
  /** Always 0. */
  readonly shared: 0 | 1;
  /** Always 0. */
  readonly can_offload: 0 | 1;
  /** Not in uWSGI: how many queues it has: one per slot, or one. */
  readonly queues: number;
}

/** A worker slot. Counts go on when its worker is replaced. */
export interface StatsWorker {
  /** Number of the slot, from 1. */
  readonly id: number;
  /** Process id of the worker that accepts or is to; 0: there is none. */
  readonly pid: number;
  /** 1 while it accepts. */
  readonly accepting: 0 | 1;
  /** Requests since the instance started. */
  readonly requests: number;
  /** Requests since the slot's worker was started. */
  readonly delta_requests: number;
  /** Handlers that threw. */
  readonly exceptions: number;
  /** Workers that `harakiri` or `uwsgi.set_user_harakiri()` ended. */
  readonly harakiri_count: number;
  /** Always 0. */
  readonly signals: number;
  /** Always 0. */
  readonly signal_queue: number;
  /** `idle`, `busy` (requests are at work), `cheap` (no worker is wanted), or `pause`. */
  readonly status: "idle" | "busy" | "cheap" | "pause";
  /** Resident memory in bytes; 0: not known. */
  readonly rss: number;
  /** Address space in bytes; 0: not known. */
  readonly vsz: number;
  /** Microseconds that requests took, in total. */
  readonly running_time: number;
  /** When the slot's worker was started, in seconds since the epoch. */
  readonly last_spawn: number;
  /** Workers of the slot that have accepted so far; the first one is 1. */
  readonly respawn_count: number;
  /** Bytes of response bodies, as far as their length was known before they were sent. */
  readonly tx: number;
  /** Microseconds a request took on average: an exponential average over the last ones. */
  readonly avg_rt: number;
  /** Always empty. */
  readonly apps: readonly never[];
  /** One entry, for clients that expect it: this worker is all its cores. */
  readonly cores: readonly StatsCore[];

  /** Not in uWSGI: the state of the worker with that pid; `none`: there is none. */
  readonly state: WorkerState | "none";
  /** Not in uWSGI: which reload the worker belongs to; the first workers are generation 1. */
  readonly generation: number;
  /** Not in uWSGI: milliseconds since it was started; 0: there is none. */
  readonly age_ms: number;
  /** Not in uWSGI: requests at work in all its processes. */
  readonly in_flight: number;
  /** Not in uWSGI: how late its event loop last was, in microseconds. */
  readonly lag_us: number;
  /** Not in uWSGI: responses by the first digit of their status. */
  readonly responses: Readonly<Record<"1xx" | "2xx" | "3xx" | "4xx" | "5xx", number>>;
  /** Not in uWSGI: how long requests took. */
  readonly latency: Latency;
  /** Not in uWSGI: deaths in a row. */
  readonly deaths: number;
  /** Not in uWSGI: milliseconds until the next worker is started; null: none is due. */
  readonly respawn_in_ms: number | null;
  /** Not in uWSGI: why the last worker that left did so, or how it died; null: none has left. */
  readonly last_leave: string | null;
  /** Not in uWSGI: further processes of the slot: those that are to follow, stand by, or leave. */
  readonly others: readonly StatsProcess[];
}

/** A worker process that is not the slot's own yet, or not any more. */
export interface StatsProcess {
  /** Process id; 0: it has none yet. */
  readonly pid: number;
  /** What it is doing. */
  readonly state: WorkerState;
  /** Which reload it belongs to. */
  readonly generation: number;
  /** Milliseconds since it was started. */
  readonly age_ms: number;
  /** Requests at work. */
  readonly in_flight: number;
  /** Why it leaves; null: it does not. */
  readonly reason: string | null;
}

/** What uWSGI calls a core: here all requests of a worker, whatever runs beside each other. */
export interface StatsCore {
  /** Always 0. */
  readonly id: number;
  /** As of the worker. */
  readonly requests: number;
  /** Always 0. */
  readonly static_requests: number;
  /** Always 0. */
  readonly routed_requests: number;
  /** Always 0. */
  readonly offloaded_requests: number;
  /** Always 0. */
  readonly write_errors: number;
  /** Always 0. */
  readonly read_errors: number;
  /** 1 while requests are at work. */
  readonly in_request: 0 | 1;
  /** Always empty: what clients send is nobody else's business. */
  readonly vars: readonly never[];
  /** Always empty. */
  readonly req_info: Readonly<Record<string, number>>;
}

/** An attached daemon. */
export interface StatsDaemon {
  /** Its command. */
  readonly cmd: string;
  /** 0: it is not running. */
  readonly pid: number;
  /** How often it was started again. */
  readonly respawns: number;
}

/** A cron entry; -1 stands for "every", and -N for "every N". */
export interface StatsCron {
  /** 0 to 59. */
  readonly minute: number;
  /** 0 to 23. */
  readonly hour: number;
  /** Day of the month. */
  readonly day: number;
  /** 1 to 12. */
  readonly month: number;
  /** Day of the week; 0 and 7 are Sunday. */
  readonly week: number;
  /** Its command. */
  readonly command: string;
  /** 1: not started while it still runs. */
  readonly unique: 0 | 1;
  /** Always empty. */
  readonly legion: string;
  /** -1: it is not running. */
  readonly pid: number;
  /** Seconds since the epoch; 0: never. */
  readonly started_at: number;
}

/** A metric. */
export interface StatsMetric {
  /** 0 counter, 1 gauge, 2 absolute, 3 alias. A histogram is a counter. */
  readonly type: 0 | 1 | 2 | 3;
  /** Number for SNMP, possibly empty. */
  readonly oid: string;
  /** Its value; of a histogram, how many values it has. */
  readonly value: number;
  /** Not in uWSGI: what a histogram has counted; other metrics have none. */
  readonly histogram?: MetricHistogram;
}

/** A reload on its way. */
export interface StatsReload {
  /** How many are replaced at a time, and whether the configuration is read again. */
  readonly kind: ReloadKind;
  /** The generation it is to bring. */
  readonly generation: number;
  /** Milliseconds since it began. */
  readonly running_ms: number;
  /** Slots still to come. */
  readonly pending: readonly number[];
  /** Slots whose new worker is starting. */
  readonly starting: readonly number[];
  /** Slots that have their new worker. */
  readonly done: readonly number[];
}

/** How a reload ended. */
export interface StatsVerdict {
  /** As of a reload on its way. */
  readonly kind: ReloadKind;
  /** What came of it. */
  readonly outcome: ReloadOutcome;
  /** The generation it was to bring. */
  readonly generation: number;
  /** When it ended, in milliseconds since the epoch. */
  readonly at_ms: number;
  /** Milliseconds it took. */
  readonly took_ms: number;
  /** One sentence, as in the log. */
  readonly text: string;
}
