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
  recordFailure,
  spawnWorker,
} from "./pool.ts";
import {
  abandonReload,
  advanceReload,
  beginQueuedReload,
  cancelReload,
  configured,
  requestReload,
} from "./reload.ts";
import { isLeaving, type MasterState, type Worker } from "./state.ts";
import { fieldsOf, log, nameOf, openTurn, type Turn } from "./turn.ts";

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
      growSlots(turn, state.settings.processes);
      return state.slots.forEach((slot) => spawnWorker(turn, slot.number, state.generation));
    case "tick":
      return;
    case "reload":
      return requestReload(turn, event.kind, event.why);
    case "configured":
      if (state.reload === null) return;
      state.nextSettings = event.settings;
      return configured(turn, state.reload);
    case "notConfigured":
      return state.reload === null ? undefined : abandonReload(turn);
    case "stop":
      return stop(turn, event.why);
    case "scale":
    case "want":
    case "pause":
      return;
    default: {
      const worker = state.workers.find((candidate) => candidate.id === event.worker);
      return worker === undefined ? undefined : applyToWorker(turn, worker, event);
    }
  }
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
    case "condemn":
      return;
    case "leaving":
      return happen(turn, worker, "retire", { reason: "signal" });
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
function stop(turn: Turn, why: string): void {
  const { state } = turn;
  const again = state.phase === "stopping" || state.phase === "killing";
  const text = again ? `${why} again: killing the workers` : `Stopping: ${why}`;
  log(turn, again ? "warning" : "info", text, { event: "stopping", again });
  cancelReload(turn);
  state.phase = again ? "killing" : "stopping";
  if (!again) turn.effects.push({ type: "closeSockets" });
  for (const slot of state.slots) slot.respawnAt = null;
  for (const worker of [...state.workers]) {
    happen(turn, worker, again ? "kill" : "retire", { reason: "stop" });
  }
}

/** What follows from any event, in this order. */
function settle(turn: Turn): void {
  actOnDeadlines(turn);
  advanceReload(turn);
  beginQueuedReload(turn);
  fillSlots(turn);
  updateCoverage(turn);
  announceReady(turn);
  exitWhenDone(turn);
}

function announceReady(turn: Turn): void {
  const { state } = turn;
  if (state.ready || state.slots.length === 0) return;
  const wanted = state.slots.slice(0, state.settings.processes);
  if (!wanted.every((slot) => slot.opened)) return;
  state.ready = true;
  turn.effects.push({ type: "ready", afterMs: turn.at - state.startedAt });
}

function exitWhenDone(turn: Turn): void {
  const { phase, workers, slots } = turn.state;
  if (workers.length > 0) return;
  if (phase === "stopping") turn.effects.push({ type: "exit", outcome: "stopped" });
  if (phase === "killing") turn.effects.push({ type: "exit", outcome: "killed" });
  // No worker ever accepted, and none is on its way: another try would fail in the same way.
  if (phase === "starting" && slots.length > 0) {
    turn.effects.push({ type: "exit", outcome: "noWorkerStarted" });
  }
}
