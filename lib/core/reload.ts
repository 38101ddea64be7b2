/**
 * A reload: new workers start beside the old ones, and an old worker makes room only when its successor
 * accepts. A chain takes one slot after the other; the other kinds take all slots at once. The first
 * failure ends a reload: with `chain-reload-rollback` the old workers, which are still there, accept
 * again (`rollback.ts`), and without it everybody stays who accepts.
 *
 * @module
 */

import { anyOlder, growSlots, happen, spawnWorker } from "./worker_lifecycle.ts";
import { beginRollback, isRolledBack } from "./rollback.ts";
import {
  isAnybodyStarting,
  liveWorkers,
  type Reload,
  type ReloadKind,
  type ReloadRequest,
  wantedSlots,
  type Worker,
} from "./state.ts";
import { decide, log, type Turn, verdictNow } from "./step_context.ts";
import { NAME_OF_KIND, outcomeOfFailure, rememberEnd, reportReload } from "./reload_report.ts";

/** A request that does more replaces the waiting one, which does less. */
const RANK: Readonly<Record<ReloadKind, number>> = { chain: 1, workers: 2, all: 3 };

/** Somebody wants a reload. One that comes while another runs waits; only one waits. */
export function requestReload(turn: Turn, request: ReloadRequest, why: string): void {
  const { state } = turn;
  if (state.phase === "stopping" || state.phase === "killing") {
    return decide(turn, request.tickets, verdictNow(turn, "cancelled", "The instance is stopping"));
  }
  const busy = isBusy(turn);
  state.queued = state.queued === null ? request : merged(state.queued, request);
  const what = NAME_OF_KIND[request.kind];
  const text = busy
    ? `${what} asked for (${why}): it follows the one that runs`
    : `${what}: ${why}`;
  log(turn, "info", text, { event: "reloadRequested", kind: request.kind, queued: busy });
}

function merged(a: ReloadRequest, b: ReloadRequest): ReloadRequest {
  const kind = RANK[b.kind] > RANK[a.kind] ? b.kind : a.kind;
  return {
    kind,
    brutal: a.brutal || b.brutal,
    program: a.program || b.program,
    tickets: [...a.tickets, ...b.tickets],
  };
}

function isBusy(turn: Turn): boolean {
  const { phase, reload } = turn.state;
  return reload !== null || phase === "starting" || anyOlder(turn);
}

/**
 * Begins the waiting reload when its time has come: not while the workers of the last one are still
 * leaving, so that there are never more than two generations.
 */
export function beginQueuedReload(turn: Turn): void {
  const { state } = turn;
  if (state.queued === null || isBusy(turn)) return;
  const { kind, brutal, program, tickets } = state.queued;
  state.queued = null;
  state.lastGeneration++;
  const reload: Reload = {
    kind,
    brutal,
    tickets,
    generation: state.lastGeneration,
    startedAt: turn.at,
    rollback: state.settings.rollback && !brutal,
    oldPids: Object.fromEntries(
      state.slots.map(({ number }) => [number, liveWorkers(state, number)[0]?.pid ?? null]),
    ),
    pending: [],
    starting: [],
    done: [],
    failed: [],
    exec: "no",
    verifiedAt: null,
    ending: false,
  };
  state.reload = reload;
  state.nextSettings = null;
  if (kind === "all") return void turn.effects.push({ type: "readConfiguration", program });
  turn.effects.push({ type: "lookAtSockets" });
  takeSlots(turn, reload);
}

/** The configuration was read again: the reload of everything starts its workers. */
export function configured(turn: Turn, reload: Reload): void {
  const settings = turn.state.nextSettings ?? turn.state.settings;
  growSlots(turn, settings.processes);
  turn.effects.push({ type: "lookAtSockets" });
  takeSlots(turn, reload);
}

/** Before a reload of everything goes on, the master's program is replaced, once nobody is starting. */
export function askForExec(turn: Turn): void {
  const { reload } = turn.state;
  if (reload?.exec !== "wanted" || isAnybodyStarting(turn.state)) return;
  reload.exec = "asked";
  turn.effects.push({ type: "execMaster" });
}

/** The configuration is no good: everything stays as it is. */
export function abandonReload(turn: Turn, reload: Reload, why: string): void {
  const { state } = turn;
  state.reload = null;
  state.nextSettings = null;
  reportReload(turn, reload, "failed", `${why}, everything stays as it is`);
}

function takeSlots(turn: Turn, reload: Reload): void {
  reload.pending = slotsToDo(turn, reload);
  reload.verifiedAt = null;
  startPending(turn, reload);
  advanceReload(turn);
}

/** The slots that have no new worker yet: also those that were added while the reload runs. */
function slotsToDo({ state }: Turn, reload: Reload): number[] {
  const wanted = wantedSlots({ ...state, settings: state.nextSettings ?? state.settings });
  const slots = Array.from({ length: wanted }, (_, i) => i + 1);
  return slots.filter((slot) => !reload.done.includes(slot));
}

function startPending(turn: Turn, reload: Reload): void {
  const width = reload.kind === "chain" ? 1 : Infinity;
  while (reload.starting.length < width) {
    const slot = reload.pending.shift();
    if (slot === undefined) return;
    reload.starting.push(slot);
    // A worker that died meanwhile has been replaced by one of this generation already.
    if (workerOf(turn, reload, slot) !== undefined) continue;
    const record = turn.state.slots[slot - 1];
    if (record !== undefined) {
      record.respawnAt = null;
      record.givenUp = false;
    }
    giveUpSuccessor(turn, slot);
    spawnWorker(turn, slot, reload.generation);
  }
}

/** A worker that was to be replaced anyway: the reload's own worker takes the place. */
function giveUpSuccessor(turn: Turn, slot: number): void {
  const live = liveWorkers(turn.state, slot);
  if (live.length < 2) return;
  for (const worker of live) {
    if (worker.state === "starting") happen(turn, worker, "retire", { reason: "reload" });
  }
}

/** Looks at how the new workers are doing, starts the next ones, ends the reload when all is done. */
export function advanceReload(turn: Turn): void {
  const reload = turn.state.reload;
  if (reload === null || isWaiting(turn, reload)) return;
  if (reload.ending) return endRollback(turn, reload);
  let progress = true;
  while (progress && reload.failed.length === 0) {
    progress = decideSlots(turn, reload);
    if (reload.failed.length === 0) startPending(turn, reload);
  }
  if (reload.failed.length > 0) return fail(turn, reload);
  if (reload.starting.length > 0) return;
  if (slotsToDo(turn, reload).length > 0) return takeSlots(turn, reload);
  verify(turn, reload);
}

/** True until the configuration has been read. */
function isWaiting({ state }: Turn, reload: Reload): boolean {
  return reload.kind === "all" && state.nextSettings === null;
}

/** Notes what has been decided since; true if anything was. */
function decideSlots(turn: Turn, reload: Reload): boolean {
  const decided = reload.starting.filter((slot) =>
    workerOf(turn, reload, slot)?.state !== "starting"
  );
  reload.starting = reload.starting.filter((slot) => !decided.includes(slot));
  for (const slot of decided) {
    const worker = workerOf(turn, reload, slot);
    if (worker === undefined) {
      slotFailed(turn, reload, slot);
      continue;
    }
    reload.done.push(slot);
    if (!reload.rollback) confirm(turn, reload);
  }
  const lost = reload.rollback ? reload.done.filter((slot) => hasLost(turn, reload, slot)) : [];
  for (const slot of lost) {
    reload.done = reload.done.filter((done) => done !== slot);
    slotFailed(turn, reload, slot);
  }
  return decided.length > 0;
}

/** True if the new worker of a slot did not live as long as it had to. */
function hasLost(turn: Turn, reload: Reload, slot: number): boolean {
  const worker = workerOf(turn, reload, slot);
  return worker === undefined || worker.state === "starting";
}

function workerOf(turn: Turn, reload: Reload, slot: number): Worker | undefined {
  return liveWorkers(turn.state, slot).find((one) => one.generation === reload.generation);
}

function slotFailed(turn: Turn, reload: Reload, slot: number): void {
  const why = turn.state.slots[slot - 1]?.lastFailure ?? "left";
  reload.failed.push({ slot, why });
}

/** The reload goes no further. What is still starting may finish: it is only for its own slot. */
function fail(turn: Turn, reload: Reload): void {
  reload.pending = [];
  if (reload.rollback) {
    beginRollback(turn, reload);
    return advanceReload(turn);
  }
  decideSlots(turn, reload);
  if (reload.starting.length === 0) finish(turn, reload, outcomeOfFailure(turn, reload));
}

function endRollback(turn: Turn, reload: Reload): void {
  if (isRolledBack(turn)) finish(turn, reload, outcomeOfFailure(turn, reload));
}

/** The last thing a reload waits for: that its youngest worker has lived for a while. */
function verify(turn: Turn, reload: Reload): void {
  const accepted = reload.done.map((slot) => workerOf(turn, reload, slot)?.acceptedAt ?? 0);
  const youngest = Math.max(reload.startedAt, ...accepted);
  reload.verifiedAt = youngest + turn.state.settings.verifyMs;
  if (reload.rollback && reload.done.length > 0 && turn.at < reload.verifiedAt) return;
  confirm(turn, reload);
  finish(turn, reload, "done");
}

/** The new generation has proved itself: it is the one that is respawned from now on. */
function confirm(turn: Turn, reload: Reload): void {
  const { state } = turn;
  if (state.generation === reload.generation) return;
  state.generation = reload.generation;
  if (state.nextSettings !== null) {
    // Fewer processes count only once the reload is through: until then the slots are still served.
    const processes = Math.max(state.nextSettings.processes, state.settings.processes);
    state.settings = { ...state.nextSettings, processes };
  }
  turn.effects.push({ type: "confirm", generation: reload.generation });
}

function finish(turn: Turn, reload: Reload, outcome: "done" | "rolled-back" | "failed"): void {
  const { state } = turn;
  if (outcome === "done" && state.nextSettings !== null) {
    state.settings = { ...state.settings, processes: state.nextSettings.processes };
  }
  for (const worker of state.workers) {
    if (worker.state === "standby") happen(turn, worker, "retire", { reason: "reload" });
  }
  state.reload = null;
  state.nextSettings = null;
  reportReload(turn, reload, outcome);
}

/** Stops the reload where it is: the master is about to leave. */
export function cancelReload(turn: Turn): void {
  const { state } = turn;
  const tickets = [...state.reload?.tickets ?? [], ...state.queued?.tickets ?? []];
  const text = "The instance is stopping";
  decide(turn, tickets, verdictNow(turn, "cancelled", text));
  if (state.reload !== null) {
    const tookMs = Math.round(turn.at - state.reload.startedAt);
    rememberEnd(turn, state.reload, { outcome: "cancelled", tookMs, text });
  }
  state.reload = null;
  state.queued = null;
  state.nextSettings = null;
}
