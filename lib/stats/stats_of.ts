/**
 * Builds the document of the stats from what the master knows, what the scoreboard counts, and what was
 * asked of the system for it. Pure: who reads it collects the facts.
 *
 * @module
 */

import {
  desiredSlots,
  type MasterState,
  type ReloadRecord,
  servingWorker,
  type Slot,
  type Worker,
} from "../core/state.ts";
import type { SlotCell } from "../shared_memory/scoreboard.ts";
import type { List } from "../shared_memory/counters.ts";
import {
  LATENCY_BOUNDS_US,
  type Stats,
  type StatsCron,
  type StatsDaemon,
  type StatsMetric,
  type StatsProcess,
  type StatsReload,
  type StatsSocket,
  type StatsVerdict,
  type StatsWorker,
} from "./stats.ts";

/** What the state does not know. */
export interface StatsFacts extends
  Pick<
    Stats,
    "version" | "pid" | "uid" | "gid" | "cwd" | "script" | "started_on" | "listen_queue_errors"
  > {
  /** Monotonic time in milliseconds, as in events. */
  readonly now: number;
  /** The same moment in milliseconds since the epoch. */
  readonly epochMs: number;
  readonly sockets: readonly StatsSocket[];
  readonly board: BoardReader;
  readonly logLinesLost: number;
  /** What is to be seen of the worker with this number; null: it is gone. */
  readonly process: (worker: number) => ProcessFacts | null;
  /** Memory of a process; null: it is not to be known. */
  readonly memory: (pid: number) => { readonly rss: number; readonly as: number } | null;
  /** Undefined: there are none. */
  readonly daemons: readonly StatsDaemon[] | undefined;
  /** Undefined: there are none. */
  readonly crons: readonly StatsCron[] | undefined;
  /** From the rest of the document; undefined: they are not enabled. */
  readonly metrics: (
    stats: Pick<Stats, "workers" | "sockets">,
  ) => Readonly<Record<string, StatsMetric>> | undefined;
}

/** Reads the rows of the scoreboard. */
export interface BoardReader {
  get(slot: number, cell: SlotCell): number;
  list(slot: number, list: List): readonly number[];
}

/** What a worker process shows of itself. */
export interface ProcessFacts {
  /** Requests at work. */
  readonly inFlight: number;
  /** How late its event loop last was, in microseconds. */
  readonly lagUs: number;
}

/** The stats of an instance. */
export function statsOf(state: MasterState, facts: StatsFacts): Stats {
  const { sockets, daemons, crons, now } = facts;
  const queue = Math.max(0, ...sockets.map((socket) => socket.queue));
  const workers = state.slots.map((slot) => workerOf(state, facts, slot));
  const metrics = facts.metrics({ workers, sockets });
  return {
    version: facts.version,
    listen_queue: queue,
    listen_queue_errors: facts.listen_queue_errors,
    signal_queue: 0,
    load: queue,
    pid: facts.pid,
    uid: facts.uid,
    gid: facts.gid,
    cwd: facts.cwd,
    ...(daemons && { daemons }),
    locks: [],
    ...(metrics && { metrics }),
    sockets,
    workers,
    ...(crons && { crons }),
    script: facts.script,
    started_on: facts.started_on,
    uptime_ms: Math.round(now - state.startedAt),
    phase: state.phase,
    paused: state.paused,
    ready: state.ready,
    processes: state.settings.processes,
    wanted: desiredSlots(state),
    generation: state.generation,
    in_flight: state.workers.reduce((sum, { id }) => sum + inFlight(facts, id), 0),
    latency_bounds_us: LATENCY_BOUNDS_US,
    log_lines_lost: facts.logLinesLost,
    reload: reloadOf(state, now),
    queued: state.queued?.kind ?? null,
    reloads: state.reloadEnds.map((end) => verdictOf(end, facts)),
    reload_outcomes: state.reloadOutcomes,
  };
}

function workerOf(state: MasterState, facts: StatsFacts, slot: Slot): StatsWorker {
  const { board, now } = facts;
  const { number: id } = slot;
  const own = servingWorker(state, id);
  const all = state.workers.filter((worker) => worker.slot === id);
  const others = all.filter((worker) => worker !== own).map((worker) => processOf(worker, facts));
  const atWork = all.reduce((sum, worker) => sum + inFlight(facts, worker.id), 0);
  const requests = board.get(id, "requests");
  const memory = own?.pid ? facts.memory(own.pid) : null;
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = board.list(id, "responses");
  return {
    id,
    pid: own?.pid ?? 0,
    accepting: own?.state === "accepting" && !state.paused ? 1 : 0,
    requests,
    delta_requests: requests - board.get(id, "requestsAtSpawn"),
    exceptions: board.get(id, "exceptions"),
    harakiri_count: slot.harakiris,
    signals: 0,
    signal_queue: 0,
    status: statusOf(state, slot, own, atWork),
    rss: memory?.rss ?? 0,
    vsz: memory?.as ?? 0,
    running_time: board.get(id, "runningTime"),
    last_spawn: board.get(id, "lastSpawn"),
    respawn_count: slot.opened ? board.get(id, "respawns") + 1 : 0,
    tx: board.get(id, "sent"),
    avg_rt: board.get(id, "averageTime"),
    apps: [],
    cores: [coreOf(requests, atWork)],
    state: own?.state ?? "none",
    generation: own?.generation ?? 0,
    age_ms: own === undefined ? 0 : Math.round(now - own.spawnedAt),
    in_flight: atWork,
    lag_us: own === undefined ? 0 : facts.process(own.id)?.lagUs ?? 0,
    responses: { "1xx": first, "2xx": second, "3xx": third, "4xx": fourth, "5xx": fifth },
    latency: { buckets: board.list(id, "latency"), sum_us: board.get(id, "runningTime") },
    deaths: slot.deaths,
    respawn_in_ms: slot.respawnAt === null ? null : Math.max(0, Math.round(slot.respawnAt - now)),
    last_leave: slot.lastLeave,
    others,
  };
}

function inFlight({ process }: StatsFacts, worker: number): number {
  return process(worker)?.inFlight ?? 0;
}

function statusOf(
  state: MasterState,
  slot: Slot,
  own: Worker | undefined,
  atWork: number,
): StatsWorker["status"] {
  if (own === undefined && slot.number > desiredSlots(state)) return "cheap";
  if (state.paused || own?.state === "paused") return "pause";
  return atWork > 0 ? "busy" : "idle";
}

function coreOf(requests: number, atWork: number): StatsWorker["cores"][number] {
  return {
    id: 0,
    requests,
    static_requests: 0,
    routed_requests: 0,
    offloaded_requests: 0,
    write_errors: 0,
    read_errors: 0,
    in_request: atWork > 0 ? 1 : 0,
    vars: [],
    req_info: {},
  };
}

function processOf(worker: Worker, facts: StatsFacts): StatsProcess {
  return {
    pid: worker.pid ?? 0,
    state: worker.state,
    generation: worker.generation,
    age_ms: Math.round(facts.now - worker.spawnedAt),
    in_flight: inFlight(facts, worker.id),
    reason: worker.reason,
  };
}

function reloadOf({ reload }: MasterState, now: number): StatsReload | null {
  if (reload === null) return null;
  const { kind, generation, startedAt, pending, starting, done } = reload;
  return { kind, generation, running_ms: Math.round(now - startedAt), pending, starting, done };
}

function verdictOf(end: ReloadRecord, { now, epochMs }: StatsFacts): StatsVerdict {
  const { kind, outcome, generation, at, tookMs, text } = end;
  return {
    kind,
    outcome,
    generation,
    at_ms: Math.round(epochMs - (now - at)),
    took_ms: Math.round(tookMs),
    text,
  };
}
