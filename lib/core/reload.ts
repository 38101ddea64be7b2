/**
 * A reload: new workers start beside the old ones, and an old worker makes room only when its successor
 * accepts. A chain takes one slot after the other; the other kinds take all slots at once. The first
 * failure ends a reload: with `chain-reload-rollback` the old workers, which are still there, accept
 * again (`rollback.ts`), and without it everybody stays who accepts.
 *
 * @module
 */

import {
  applyWorkerEvent,
  growSlots,
  hasLeavingOldGeneration,
  spawnWorker,
} from "./worker_lifecycle.ts";
import { beginRollback, isRolledBack } from "./rollback.ts";
import {
  desiredSlots,
  isAnybodyStarting,
  liveWorkers,
  type Reload,
  type ReloadKind,
  type ReloadRequest,
  type Worker,
} from "./state.ts";
import { logLine, reportResult, type StepContext, verdictNow } from "./step_context.ts";
import { NAME_OF_KIND, outcomeOfFailure, rememberEnd, reportReload } from "./reload_report.ts";

/** A request that does more replaces the waiting one, which does less. */
const RANK: Readonly<Record<ReloadKind, number>> = { chain: 1, workers: 2, all: 3 };

/** Somebody wants a reload. One that comes while another runs waits; only one waits. */
export function requestReload(context: StepContext, request: ReloadRequest, why: string): void {
  const { state } = context;
  if (state.phase === "stopping" || state.phase === "killing") {
    return reportResult(
      context,
      request.tickets,
      verdictNow(context, "cancelled", "The instance is stopping"),
    );
  }
  const busy = isBusy(context);
  state.queued = state.queued === null ? request : merged(state.queued, request);
  const what = NAME_OF_KIND[request.kind];
  const text = busy
    ? `${what} asked for (${why}): it follows the one that runs`
    : `${what}: ${why}`;
  logLine(context, "info", text, { event: "reloadRequested", kind: request.kind, queued: busy });
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

function isBusy(context: StepContext): boolean {
  const { phase, reload } = context.state;
  return reload !== null || phase === "starting" || hasLeavingOldGeneration(context);
}

/**
 * Begins the waiting reload when its time has come: not while the workers of the last one are still
 * leaving, so that there are never more than two generations.
 */
export function beginQueuedReload(context: StepContext): void {
  const { state } = context;
  if (state.queued === null || isBusy(context)) return;
  const { kind, brutal, program, tickets } = state.queued;
  state.queued = null;
  state.lastGeneration++;
  const reload: Reload = {
    kind,
    brutal,
    tickets,
    generation: state.lastGeneration,
    startedAt: context.at,
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
  if (kind === "all") return void context.effects.push({ type: "readConfiguration", program });
  context.effects.push({ type: "lookAtSockets" });
  takeSlots(context, reload);
}

/** The configuration was read again: the reload of everything starts its workers. */
export function configured(context: StepContext, reload: Reload): void {
  const settings = context.state.nextSettings ?? context.state.settings;
  growSlots(context, settings.processes);
  context.effects.push({ type: "lookAtSockets" });
  takeSlots(context, reload);
}

/** Before a reload of everything goes on, the master's program is replaced, once nobody is starting. */
export function askForExec(context: StepContext): void {
  const { reload } = context.state;
  if (reload?.exec !== "wanted" || isAnybodyStarting(context.state)) return;
  reload.exec = "asked";
  context.effects.push({ type: "execMaster" });
}

/** The configuration is no good: everything stays as it is. */
export function abandonReload(context: StepContext, reload: Reload, why: string): void {
  const { state } = context;
  state.reload = null;
  state.nextSettings = null;
  reportReload(context, reload, "failed", `${why}, everything stays as it is`);
}

function takeSlots(context: StepContext, reload: Reload): void {
  reload.pending = slotsToDo(context, reload);
  reload.verifiedAt = null;
  startPending(context, reload);
  advanceReload(context);
}

/** The slots that have no new worker yet: also those that were added while the reload runs. */
function slotsToDo({ state }: StepContext, reload: Reload): number[] {
  const wanted = desiredSlots({ ...state, settings: state.nextSettings ?? state.settings });
  const slots = Array.from({ length: wanted }, (_, i) => i + 1);
  return slots.filter((slot) => !reload.done.includes(slot));
}

function startPending(context: StepContext, reload: Reload): void {
  const width = reload.kind === "chain" ? 1 : Infinity;
  while (reload.starting.length < width) {
    const slot = reload.pending.shift();
    if (slot === undefined) return;
    reload.starting.push(slot);
    // A worker that died meanwhile has been replaced by one of this generation already.
    if (workerOf(context, reload, slot) !== undefined) continue;
    const record = context.state.slots[slot - 1];
    if (record !== undefined) {
      record.respawnAt = null;
      record.givenUp = false;
    }
    giveUpSuccessor(context, slot);
    spawnWorker(context, slot, reload.generation);
  }
}

/** A worker that was to be replaced anyway: the reload's own worker takes the place. */
function giveUpSuccessor(context: StepContext, slot: number): void {
  const live = liveWorkers(context.state, slot);
  if (live.length < 2) return;
  for (const worker of live) {
    if (worker.state === "starting") {
      applyWorkerEvent(context, worker, "retire", { reason: "reload" });
    }
  }
}

/** Looks at how the new workers are doing, starts the next ones, ends the reload when all is done. */
export function advanceReload(context: StepContext): void {
  const reload = context.state.reload;
  if (reload === null || isWaiting(context, reload)) return;
  if (reload.ending) return endRollback(context, reload);
  let progress = true;
  while (progress && reload.failed.length === 0) {
    progress = decideSlots(context, reload);
    if (reload.failed.length === 0) startPending(context, reload);
  }
  if (reload.failed.length > 0) return fail(context, reload);
  if (reload.starting.length > 0) return;
  if (slotsToDo(context, reload).length > 0) return takeSlots(context, reload);
  verify(context, reload);
}

/** True until the configuration has been read. */
function isWaiting({ state }: StepContext, reload: Reload): boolean {
  return reload.kind === "all" && state.nextSettings === null;
}

/** Notes what has been decided since; true if anything was. */
function decideSlots(context: StepContext, reload: Reload): boolean {
  const decided = reload.starting.filter((slot) =>
    workerOf(context, reload, slot)?.state !== "starting"
  );
  reload.starting = reload.starting.filter((slot) => !decided.includes(slot));
  for (const slot of decided) {
    const worker = workerOf(context, reload, slot);
    if (worker === undefined) {
      slotFailed(context, reload, slot);
      continue;
    }
    reload.done.push(slot);
    if (!reload.rollback) confirm(context, reload);
  }
  const lost = reload.rollback ? reload.done.filter((slot) => hasLost(context, reload, slot)) : [];
  for (const slot of lost) {
    reload.done = reload.done.filter((done) => done !== slot);
    slotFailed(context, reload, slot);
  }
  return decided.length > 0;
}

/** True if the new worker of a slot did not live as long as it had to. */
function hasLost(context: StepContext, reload: Reload, slot: number): boolean {
  const worker = workerOf(context, reload, slot);
  return worker === undefined || worker.state === "starting";
}

function workerOf(context: StepContext, reload: Reload, slot: number): Worker | undefined {
  return liveWorkers(context.state, slot).find((one) => one.generation === reload.generation);
}

function slotFailed(context: StepContext, reload: Reload, slot: number): void {
  const why = context.state.slots[slot - 1]?.lastFailure ?? "left";
  reload.failed.push({ slot, why });
}

/** The reload goes no further. What is still starting may finish: it is only for its own slot. */
function fail(context: StepContext, reload: Reload): void {
  reload.pending = [];
  if (reload.rollback) {
    beginRollback(context, reload);
    return advanceReload(context);
  }
  decideSlots(context, reload);
  if (reload.starting.length === 0) finish(context, reload, outcomeOfFailure(context, reload));
}

function endRollback(context: StepContext, reload: Reload): void {
  if (isRolledBack(context)) finish(context, reload, outcomeOfFailure(context, reload));
}

/** The last thing a reload waits for: that its youngest worker has lived for a while. */
function verify(context: StepContext, reload: Reload): void {
  const accepted = reload.done.map((slot) => workerOf(context, reload, slot)?.acceptedAt ?? 0);
  const youngest = Math.max(reload.startedAt, ...accepted);
  reload.verifiedAt = youngest + context.state.settings.verifyMs;
  if (reload.rollback && reload.done.length > 0 && context.at < reload.verifiedAt) return;
  confirm(context, reload);
  finish(context, reload, "done");
}

/** The new generation has proved itself: it is the one that is respawned from now on. */
function confirm(context: StepContext, reload: Reload): void {
  const { state } = context;
  if (state.generation === reload.generation) return;
  state.generation = reload.generation;
  if (state.nextSettings !== null) {
    // Fewer processes count only once the reload is through: until then the slots are still served.
    const processes = Math.max(state.nextSettings.processes, state.settings.processes);
    state.settings = { ...state.nextSettings, processes };
  }
  context.effects.push({ type: "confirm", generation: reload.generation });
}

function finish(
  context: StepContext,
  reload: Reload,
  outcome: "done" | "rolled-back" | "failed",
): void {
  const { state } = context;
  if (outcome === "done" && state.nextSettings !== null) {
    state.settings = { ...state.settings, processes: state.nextSettings.processes };
  }
  for (const worker of state.workers) {
    if (worker.state === "standby") {
      applyWorkerEvent(context, worker, "retire", { reason: "reload" });
    }
  }
  state.reload = null;
  state.nextSettings = null;
  reportReload(context, reload, outcome);
}

/** Stops the reload where it is: the master is about to leave. */
export function cancelReload(context: StepContext): void {
  const { state } = context;
  const tickets = [...state.reload?.tickets ?? [], ...state.queued?.tickets ?? []];
  const text = "The instance is stopping";
  reportResult(context, tickets, verdictNow(context, "cancelled", text));
  if (state.reload !== null) {
    const tookMs = Math.round(context.at - state.reload.startedAt);
    rememberEnd(context, state.reload, { outcome: "cancelled", tookMs, text, why: text });
  }
  state.reload = null;
  state.queued = null;
  state.nextSettings = null;
}
