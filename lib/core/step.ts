/**
 * What every event means: `step(state, event)` gives the next state and what is to be done. It reads
 * no clock and touches nothing, so a whole reload can be tried without a process.
 *
 * @module
 */

import type { Effect, TimedEvent } from "./event.ts";
import { updateCoverage } from "./coverage.ts";
import {
  actOnDeadlines,
  applyWorkerEvent,
  fillSlots,
  growSlots,
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
import {
  advanceRecycling,
  replaceStuckWorker,
  replaceUnserved,
  requestRecycling,
} from "./recycle.ts";
import {
  advanceScale,
  cancelScale,
  pauseInstance,
  refuseScaling,
  scale,
  setDesiredWorkers,
  shrink,
} from "./worker_count.ts";
import { desiredSlots, isLeaving, type MasterState, type Worker } from "./state.ts";
import {
  beginStep,
  logLine,
  reportResult,
  type StepContext,
  verdictNow,
  workerLabel,
  workerLogFields,
} from "./step_context.ts";
import type { RequestId } from "./verdict.ts";

/** The result of a step. */
export interface Step {
  readonly state: MasterState;
  readonly effects: readonly Effect[];
}

/** Takes the master from one state to the next. */
export function step(state: MasterState, event: TimedEvent): Step {
  const context = beginStep(state, event.at);
  apply(context, event);
  reconcile(context);
  return { state: context.state, effects: context.effects };
}

function apply(context: StepContext, event: TimedEvent): void {
  const { state } = context;
  switch (event.type) {
    case "start":
      return start(context);
    case "tick":
      return;
    case "overslept":
      return shiftDeadlines(context, event.ms);
    case "reload": {
      const { kind, brutal = false, program = false } = event;
      return requestReload(
        context,
        { kind, brutal, program, tickets: ticketsOf(event) },
        event.why,
      );
    }
    case "configured":
      if (state.reload === null) return;
      state.nextSettings = event.settings;
      return configured(context, state.reload);
    case "notConfigured":
      return state.reload === null ? undefined : abandonReload(context, state.reload, event.why);
    case "masterOutdated":
      if (state.reload !== null) state.reload.exec = "wanted";
      return;
    case "stop":
      if (event.once === true && isStopping(state)) return;
      return stop(context, event.why, event.brutal ?? false, ticketsOf(event));
    case "scale":
      return scale(context, event.processes, event.why, ticketsOf(event));
    case "scaleFailed":
      return refuseScaling(context, event.problem, ticketsOf(event));
    case "want":
      return setDesiredWorkers(context, event.workers, event.why);
    case "pause":
      return pauseInstance(context, event.on, event.why, ticketsOf(event));
    default: {
      const worker = state.workers.find((candidate) => candidate.id === event.worker);
      return worker === undefined ? undefined : applyToWorker(context, worker, event);
    }
  }
}

function ticketsOf({ ticket }: { readonly ticket?: RequestId }): readonly RequestId[] {
  return ticket === undefined ? [] : [ticket];
}

function start(context: StepContext): void {
  const { state } = context;
  growSlots(context, state.settings.processes);
  const wanted = desiredSlots(state);
  // An instance that needs nobody yet has started.
  if (wanted === 0) state.phase = "running";
  for (const { number } of state.slots.slice(0, wanted)) {
    spawnWorker(context, number, state.generation);
  }
}

/** Time in which the master itself stood still is nobody's fault. */
function shiftDeadlines({ state }: StepContext, ms: number): void {
  for (const worker of state.workers) {
    if (worker.deadline !== null) worker.deadline += ms;
  }
  for (const slot of state.slots) {
    if (slot.respawnAt !== null) slot.respawnAt += ms;
  }
  if (state.waitLineAt !== null) state.waitLineAt += ms;
  if (state.reload !== null && state.reload.verifiedAt !== null) state.reload.verifiedAt += ms;
}

type OfWorker = Extract<TimedEvent, { readonly worker: number }>;

function applyToWorker(context: StepContext, worker: Worker, event: OfWorker): void {
  switch (event.type) {
    case "spawned":
      worker.pid = event.pid;
      return;
    case "spawnFailed":
      return applyWorkerEvent(context, worker, "exit", {
        how: "could not be started",
        error: event.error,
      });
    case "accepting":
      worker.covers = event.covers;
      return applyWorkerEvent(context, worker, event.on ? "accept" : "pause");
    case "recycle":
      return requestRecycling(context, worker, event.reason, event.why);
    case "condemn":
      return replaceStuckWorker(context, worker, event.reason, event.why, event.graceMs);
    case "unserved":
      return replaceUnserved(context, worker, event.address);
    case "leaving":
      return applyWorkerEvent(context, worker, "retire", {
        reason: worker.state === "standby" ? "reload" : "signal",
      });
    case "waiting":
      return noteWaiting(context, worker, event);
    case "pipeBroken":
      if (isLeaving(worker)) return;
      logLine(
        context,
        "error",
        `${workerLabel(worker)}: ${event.error}`,
        workerLogFields("pipeBroken", worker),
      );
      recordFailure(context, worker, event.error);
      return applyWorkerEvent(context, worker, "kill", { reason: "pipe-broken" });
    case "exited":
      return applyWorkerEvent(context, worker, "exit", { how: event.how, error: event.error });
  }
}

/** The first time: everybody finishes what they have. The second time: at once. */
function stop(
  context: StepContext,
  why: string,
  brutal: boolean,
  tickets: readonly RequestId[],
): void {
  const { state } = context;
  const again = isStopping(state);
  const kill = again || brutal;
  const text = again ? `${why} again: killing the workers` : `Stopping: ${why}`;
  logLine(context, kill ? "warning" : "info", text, { event: "stopping", again });
  cancelReload(context);
  cancelScale(context);
  state.stopTickets = [...state.stopTickets, ...tickets];
  state.phase = kill ? "killing" : "stopping";
  if (!again) context.effects.push({ type: "closeSockets" });
  for (const slot of state.slots) slot.respawnAt = null;
  for (const worker of [...state.workers]) {
    applyWorkerEvent(context, worker, kill ? "kill" : "retire", { reason: "stop" });
  }
}

function isStopping({ phase }: MasterState): boolean {
  return phase === "stopping" || phase === "killing";
}

/** What follows from any event, in this order. */
function reconcile(context: StepContext): void {
  actOnDeadlines(context);
  advanceReload(context);
  advanceScale(context);
  shrink(context);
  beginQueuedReload(context);
  askForExec(context);
  advanceRecycling(context);
  fillSlots(context);
  updateCoverage(context);
  tellWaiting(context);
  announceReady(context);
  exitWhenDone(context);
}

function announceReady(context: StepContext): void {
  const { state } = context;
  if (state.ready || state.slots.length === 0) return;
  const wanted = state.slots.slice(0, desiredSlots(state));
  if (!wanted.every((slot) => slot.opened)) return;
  state.ready = true;
  context.effects.push({ type: "ready", afterMs: context.at - state.startedAt });
}

function exitWhenDone(context: StepContext): void {
  const { phase, workers, slots } = context.state;
  if (workers.length > 0) return;
  if (phase === "stopping" || phase === "killing") {
    reportResult(
      context,
      context.state.stopTickets,
      verdictNow(context, "done", "The instance has stopped"),
    );
    context.effects.push({ type: "exit", outcome: phase === "stopping" ? "stopped" : "killed" });
  }
  const { dieOnNoWorkers } = context.state.settings;
  if (phase === "running" && dieOnNoWorkers && hasNoWorkersLeft(context)) {
    context.effects.push({ type: "exit", outcome: "noWorkerLeft" });
  }
  // No worker ever accepted, and none is on its way: another try would fail in the same way.
  if (phase === "starting" && slots.length > 0) {
    context.effects.push({ type: "exit", outcome: "noWorkerStarted" });
  }
}
