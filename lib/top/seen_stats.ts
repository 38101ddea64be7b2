/**
 * Reads a document of a stats server for who looks at it: duwsgi's, whatever its version, or uWSGI's.
 * What uWSGI has is required, as far as anything is shown of it; what is duwsgi's own may be missing.
 *
 * @module
 */

import { Fields } from "./fields.ts";

/** A document, as far as it is looked at. Null: the server does not say it. */
export interface SeenStats {
  readonly version: string;
  readonly pid: number;
  readonly uid: number | null;
  readonly cwd: string;
  /** Longest listen queue, in connections. */
  readonly listenQueue: number;
  readonly script: string | null;
  readonly uptimeMs: number | null;
  readonly phase: string | null;
  readonly paused: boolean;
  /** How many workers are wanted now. */
  readonly wanted: number | null;
  readonly generation: number | null;
  readonly logLinesLost: number;
  /** Upper bounds of the buckets of every `latency`, in microseconds; empty: there are none. */
  readonly latencyBoundsUs: readonly number[];
  readonly reload: SeenReload | null;
  /** The kind of the reload that follows. */
  readonly queued: string | null;
  /** The newest first. */
  readonly reloads: readonly SeenVerdict[];
  readonly sockets: readonly SeenSocket[];
  readonly workers: readonly SeenWorker[];
}

/** A listening socket. */
export interface SeenSocket {
  readonly name: string;
  readonly proto: string;
  readonly queue: number;
  readonly maxQueue: number;
}

/** A worker slot. */
export interface SeenWorker {
  readonly id: number;
  /** 0: there is none. */
  readonly pid: number;
  readonly requests: number;
  readonly exceptions: number;
  readonly harakiri: number;
  readonly status: string;
  /** duwsgi's own; uWSGI's `status` where there is no such thing. */
  readonly state: string;
  /** Whether it accepts. */
  readonly accepting: boolean;
  /** Bytes; 0: not known. */
  readonly rss: number;
  readonly vsz: number;
  /** Seconds since the epoch; 0: never. */
  readonly lastSpawn: number;
  readonly respawns: number;
  /** Bytes of responses. */
  readonly tx: number;
  /** Average time of a request, in microseconds. */
  readonly avgRtUs: number;
  readonly generation: number | null;
  readonly ageMs: number | null;
  /** Requests at work. */
  readonly inFlight: number;
  readonly lagUs: number | null;
  /** Responses by the first digit of their status; empty: not known. */
  readonly responses: ReadonlyMap<string, number>;
  /** Requests by how long they took, one count more than there are bounds; null: not known. */
  readonly latency: readonly number[] | null;
  readonly deaths: number;
  readonly respawnInMs: number | null;
  readonly lastLeave: string | null;
  readonly others: readonly SeenProcess[];
}

/** A further process of a slot. */
export interface SeenProcess {
  readonly pid: number;
  readonly state: string;
  readonly generation: number;
  readonly ageMs: number;
  readonly inFlight: number;
  readonly reason: string | null;
}

/** A reload on its way. */
export interface SeenReload {
  readonly kind: string;
  readonly generation: number;
  readonly runningMs: number;
  readonly pending: readonly number[];
  readonly starting: readonly number[];
  readonly done: readonly number[];
}

/** How a reload ended. */
export interface SeenVerdict {
  readonly kind: string;
  readonly outcome: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly text: string;
}

/**
 * Reads a document.
 *
 * @throws {SyntaxError} If it is none; the message says where it is not what it should be.
 */
export function parseStats(document: unknown): SeenStats {
  const top = Fields.of(document, "the document");
  const latencyBoundsUs = top.has("latency_bounds_us") ? top.numbers("latency_bounds_us") : [];
  return {
    version: top.text("version"),
    pid: top.number("pid"),
    uid: top.numberOr("uid", null),
    cwd: top.textOr("cwd", ""),
    listenQueue: top.numberOr("listen_queue", 0),
    script: top.textOr("script", null),
    uptimeMs: top.numberOr("uptime_ms", null),
    phase: top.textOr("phase", null),
    paused: top.booleanOr("paused", false),
    wanted: top.numberOr("wanted", null),
    generation: top.numberOr("generation", null),
    logLinesLost: top.numberOr("log_lines_lost", 0),
    latencyBoundsUs,
    reload: top.objectOr("reload", readReload),
    queued: top.textOr("queued", null),
    reloads: top.objects("reloads", readVerdict),
    sockets: top.objects("sockets", readSocket),
    workers: top.required("workers").objects("workers", (fields) => {
      return readWorker(fields, latencyBoundsUs.length);
    }),
  };
}

function readSocket(socket: Fields): SeenSocket {
  return {
    name: socket.text("name"),
    proto: socket.textOr("proto", ""),
    queue: socket.numberOr("queue", 0),
    maxQueue: socket.numberOr("max_queue", 0),
  };
}

function readWorker(worker: Fields, bounds: number): SeenWorker {
  const status = worker.textOr("status", "");
  const pid = worker.number("pid");
  const state = worker.textOr("state", null);
  return {
    id: worker.number("id"),
    pid,
    requests: worker.number("requests"),
    exceptions: worker.numberOr("exceptions", 0),
    harakiri: worker.numberOr("harakiri_count", 0),
    status,
    state: state ?? (pid === 0 && status !== "cheap" ? "none" : status),
    accepting: pid !== 0 && worker.numberOr("accepting", 0) === 1,
    rss: worker.numberOr("rss", 0),
    vsz: worker.numberOr("vsz", 0),
    lastSpawn: worker.numberOr("last_spawn", 0),
    respawns: worker.numberOr("respawn_count", 0),
    tx: worker.numberOr("tx", 0),
    avgRtUs: worker.numberOr("avg_rt", 0),
    generation: worker.numberOr("generation", null),
    ageMs: worker.numberOr("age_ms", null),
    inFlight: worker.numberOr("in_flight", null) ?? busyCores(worker),
    lagUs: worker.numberOr("lag_us", null),
    responses: worker.objectOr("responses", (responses) => responses.allNumbers()) ?? new Map(),
    latency: bounds === 0 ? null : worker.objectOr("latency", (latency) => {
      const buckets = latency.numbers("buckets");
      return buckets.length === bounds + 1 ? buckets : null;
    }),
    deaths: worker.numberOr("deaths", 0),
    respawnInMs: worker.numberOr("respawn_in_ms", null),
    lastLeave: worker.textOr("last_leave", null),
    others: worker.objects("others", readProcess),
  };
}

/** In uWSGI a core has one request at a time. */
function busyCores(worker: Fields): number {
  const cores = worker.objects("cores", (core) => core.numberOr("in_request", 0));
  return cores.reduce((sum, busy) => sum + busy, 0);
}

function readProcess(process: Fields): SeenProcess {
  return {
    pid: process.number("pid"),
    state: process.text("state"),
    generation: process.numberOr("generation", 0),
    ageMs: process.numberOr("age_ms", 0),
    inFlight: process.numberOr("in_flight", 0),
    reason: process.textOr("reason", null),
  };
}

function readReload(reload: Fields): SeenReload {
  return {
    kind: reload.text("kind"),
    generation: reload.number("generation"),
    runningMs: reload.numberOr("running_ms", 0),
    pending: reload.numbers("pending"),
    starting: reload.numbers("starting"),
    done: reload.numbers("done"),
  };
}

function readVerdict(verdict: Fields): SeenVerdict {
  return {
    kind: verdict.text("kind"),
    outcome: verdict.text("outcome"),
    atMs: verdict.numberOr("at_ms", 0),
    text: verdict.text("text"),
  };
}
