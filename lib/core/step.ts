/**
 * What every event means: `step(state, event)` gives the next state and what is to be done. It reads
 * no clock and touches nothing, so a whole reload can be tried without a process.
 *
 * @module
 */

import type { Effect, MasterEvent } from "./event.ts";
import { updateCoverage } from "./coverage.ts";
import {
  actOnDeadlines,
  fillSlots,
  growSlots,
  happen,
  hasNoWorkersLeft,
  recordFailure,
  spawnWorker,
} from "./worker_lifecycle.ts";
import {
  abandonReload,
  advanceReload,
  askForExec,
  beginQueuedReload,
  cancelReload,
  configured,
  requestReload,
} from "./reload.ts";
import { noteWaiting, tellWaiting } from "./leavers.ts";
import { advanceRecycling, condemn, replaceUnserved, requestRecycling } from "./recycle.ts";
import { advanceScale, cancelScale, pause, refuseScaling, scale, shrink, want } from "./worker_count.ts";
import { isLeaving, type MasterState, wantedSlots, type Worker } from "./state.ts";
import { decide, fieldsOf, log, nameOf, openTurn, type Turn, verdictNow } from "./step_context.ts";
import type { Ticket } from "./verdict.ts";

/** The result of a step. */
export interface Step {
  readonly state: MasterState;
  readonly effects: readonly Effect[];
}

/** Takes the master from one state to the next. */
export function step(state: MasterState, event: MasterEvent): Step {
  const turn = openTurn(state, event.at);
  apply(turn, event);
  settle(turn);
  return { state: turn.state, effects: turn.effects };
}

function apply(turn: Turn, event: MasterEvent): void {
  const { state } = turn;
  switch (event.type) {
    case "start":
      return start(turn);
    case "tick":
      return;
    case "overslept":
      return postpone(turn, event.ms);
    case "reload": {
      const { kind, brutal = false, program = false } = event;
      return requestReload(turn, { kind, brutal, program, tickets: ticketsOf(event) }, event.why);
    }
    case "configured":
      if (state.reload === null) return;
      state.nextSettings = event.settings;
      return configured(turn, state.reload);
    case "notConfigured":
      return state.reload === null ? undefined : abandonReload(turn, state.reload, event.why);
    case "masterOutdated":
      if (state.reload !== null) state.reload.exec = "wanted";
      return;
    case "stop":
      if (event.once === true && isStopping(state)) return;
      return stop(turn, event.why, event.brutal ?? false, ticketsOf(event));
    case "scale":
      return scale(turn, event.processes, event.why, ticketsOf(event));
    case "scaleFailed":
      return refuseScaling(turn, event.problem, ticketsOf(event));
    case "want":
      return want(turn, event.workers, event.why);
    case "pause":
      return pause(turn, event.on, event.why, ticketsOf(event));
    default: {
      const worker = state.workers.find((candidate) => candidate.id === event.worker);
      return worker === undefined ? undefined : applyToWorker(turn, worker, event);
    }
  }
}

function ticketsOf({ ticket }: { readonly ticket?: Ticket }): readonly Ticket[] {
  return ticket === undefined ? [] : [ticket];
}

function start(turn: Turn): void {
  const { state } = turn;
  growSlots(turn, state.settings.processes);
  const wanted = wantedSlots(state);
  // An instance that needs nobody yet has started.
  if (wanted === 0) state.phase = "running";
  for (const { number } of state.slots.slice(0, wanted)) {
    spawnWorker(turn, number, state.generation);
  }
}

/** Time in which the master itself stood still is nobody's fault. */
function postpone({ state }: Turn, ms: number): void {
  for (const worker of state.workers) {
    if (worker.deadline !== null) worker.deadline += ms;
  }
  for (const slot of state.slots) {
    if (slot.respawnAt !== null) slot.respawnAt += ms;
  }
  if (state.waitLineAt !== null) state.waitLineAt += ms;
  if (state.reload !== null && state.reload.verifiedAt !== null) state.reload.verifiedAt += ms;
}

type OfWorker = Extract<MasterEvent, { readonly worker: number }>;

function applyToWorker(turn: Turn, worker: Worker, event: OfWorker): void {
  switch (event.type) {
    case "spawned":
      worker.pid = event.pid;
      return;
    case "spawnFailed":
      return happen(turn, worker, "exit", { how: "could not be started", error: event.error });
    case "accepting":
      worker.covers = event.covers;
      return happen(turn, worker, event.on ? "accept" : "pause");
    case "recycle":
      return requestRecycling(turn, worker, event.reason, event.why);
    case "condemn":
      return condemn(turn, worker, event.reason, event.why, event.graceMs);
    case "unserved":
      return replaceUnserved(turn, worker, event.address);
    case "leaving":
      return happen(turn, worker, "retire", {
        reason: worker.state === "standby" ? "reload" : "signal",
      });
    case "waiting":
      return noteWaiting(turn, worker, event);
    case "pipeBroken":
      if (isLeaving(worker)) return;
      log(turn, "error", `${nameOf(worker)}: ${event.error}`, fieldsOf("pipeBroken", worker));
      recordFailure(turn, worker, event.error);
      return happen(turn, worker, "kill", { reason: "pipe-broken" });
    case "exited":
      return happen(turn, worker, "exit", { how: event.how, error: event.error });
  }
}

/** The first time: everybody finishes what they have. The second time: at once. */
function stop(turn: Turn, why: string, brutal: boolean, tickets: readonly Ticket[]): void {
  const { state } = turn;
  const again = isStopping(state);
  const kill = again || brutal;
  const text = again ? `${why} again: killing the workers` : `Stopping: ${why}`;
  log(turn, kill ? "warning" : "info", text, { event: "stopping", again });
  cancelReload(turn);
  cancelScale(turn);
  state.stopTickets = [...state.stopTickets, ...tickets];
  state.phase = kill ? "killing" : "stopping";
  if (!again) turn.effects.push({ type: "closeSockets" });
  for (const slot of state.slots) slot.respawnAt = null;
  for (const worker of [...state.workers]) {
    happen(turn, worker, kill ? "kill" : "retire", { reason: "stop" });
  }
}

function isStopping({ phase }: MasterState): boolean {
  return phase === "stopping" || phase === "killing";
}

/** What follows from any event, in this order. */
function settle(turn: Turn): void {
  actOnDeadlines(turn);
  advanceReload(turn);
  advanceScale(turn);
  shrink(turn);
  beginQueuedReload(turn);
  askForExec(turn);
  advanceRecycling(turn);
  fillSlots(turn);
  updateCoverage(turn);
  tellWaiting(turn);
  announceReady(turn);
  exitWhenDone(turn);
}

function announceReady(turn: Turn): void {
  const { state } = turn;
  if (state.ready || state.slots.length === 0) return;
  const wanted = state.slots.slice(0, wantedSlots(state));
  if (!wanted.every((slot) => slot.opened)) return;
  state.ready = true;
  turn.effects.push({ type: "ready", afterMs: turn.at - state.startedAt });
}

function exitWhenDone(turn: Turn): void {
  const { phase, workers, slots } = turn.state;
  if (workers.length > 0) return;
  if (phase === "stopping" || phase === "killing") {
    decide(turn, turn.state.stopTickets, verdictNow(turn, "done", "The instance has stopped"));
    turn.effects.push({ type: "exit", outcome: phase === "stopping" ? "stopped" : "killed" });
  }
  const { dieOnNoWorkers } = turn.state.settings;
  if (phase === "running" && dieOnNoWorkers && hasNoWorkersLeft(turn)) {
    turn.effects.push({ type: "exit", outcome: "noWorkerLeft" });
  }
  // No worker ever accepted, and none is on its way: another try would fail in the same way.
  if (phase === "starting" && slots.length > 0) {
    turn.effects.push({ type: "exit", outcome: "noWorkerStarted" });
  }
}
