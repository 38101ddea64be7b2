/**
 * The workers of the slots: starting them, sending them away, and what follows when they come and go.
 *
 * @module
 */

import { deathsInARow, pauseOfSlot } from "./restart_policy.ts";
import {
  desiredSlots,
  isLeaving,
  type LeaveReason,
  liveWorkers,
  newSlot,
  type Slot,
  type Worker,
} from "./state.ts";
import {
  duration,
  logLine,
  type StepContext,
  workerLabel,
  workerLogFields,
} from "./step_context.ts";
import type { RetireReason } from "../protocol/message.ts";
import { WORKER_TABLE, type WorkerEvent } from "./worker_table.ts";

/** How long a worker that never accepted may take to leave: it has no client to finish with (5 s). */
export const NO_CLIENT_MERCY_MS = 5_000;

/** How long a worker on standby may take to accept again before it is given up (5 s). */
export const RECALL_MS = 5_000;

/** Details of an event that only some answers need. */
export interface WorkerEventDetails {
  /** For `retire` and `kill`. */
  readonly reason?: LeaveReason;
  /** For `retire`: the time it has, instead of the mercy. */
  readonly graceMs?: number;
  /** For `exit`: in words. */
  readonly how?: string;
  /** For `exit`: the first line of the error. */
  readonly error?: string | null;
}

/** Makes sure that slots 1 to `count` exist. */
export function growSlots(context: StepContext, count: number): void {
  for (let number = context.state.slots.length + 1; number <= count; number++) {
    context.state.slots.push(newSlot(number));
  }
}

/** Starts a worker in a slot. */
export function spawnWorker(context: StepContext, slot: number, generation: number): void {
  const { state, at } = context;
  const settings = generation > state.generation ? state.nextSettings : null;
  const { startTimeoutMs } = settings ?? state.settings;
  const id = state.nextWorker++;
  state.workers.push({
    id,
    slot,
    generation,
    pid: null,
    state: "starting",
    spawnedAt: at,
    acceptedAt: null,
    deadline: at + startTimeoutMs,
    reason: null,
    recycle: null,
    waitsFor: null,
    covers: false,
    duty: [],
    slotsKnown: state.slots.length,
  });
  context.effects.push({ type: "spawn", worker: id, slot, generation });
}

/** Looks the event up in the worker's table and does what it says. */
export function applyWorkerEvent(
  context: StepContext,
  worker: Worker,
  event: WorkerEvent,
  details: WorkerEventDetails = {},
): void {
  const { next, action } = WORKER_TABLE[worker.state][event];
  const before = worker.state;
  if (next === "gone") {
    context.state.workers = context.state.workers.filter((other) => other.id !== worker.id);
    slotOf(context, worker).lastLeave = worker.reason ?? details.how ?? null;
  } else if (next !== before) {
    worker.state = next;
    worker.deadline = null;
  }
  if (details.reason !== undefined) worker.reason ??= details.reason;
  switch (action) {
    case "ignore":
    case "note":
      return;
    case "promote":
      return promote(context, worker);
    case "ask":
      return ask(context, worker, details.graceMs ?? context.state.settings.mercyMs);
    case "sendAside":
      return void context.effects.push({ type: "standBy", worker: worker.id, drain: true });
    case "recall":
      worker.deadline = context.at + RECALL_MS;
      return void context.effects.push({ type: "recall", worker: worker.id });
    case "reinstate":
      return reinstate(context, worker);
    case "terminate":
      worker.deadline = context.at + Math.min(NO_CLIENT_MERCY_MS, context.state.settings.mercyMs);
      return void context.effects.push({ type: "signal", worker: worker.id, signal: "SIGTERM" });
    case "kill":
      return kill(context, worker, before === "retiring");
    case "startFailed":
      return startFailed(context, worker, details);
    case "died":
      return died(context, worker, details.how ?? "died");
    case "left":
      return left(context, worker, details.how ?? "left");
  }
}

/** Sends every worker of a slot away, except one. */
export function retireOthers(
  context: StepContext,
  slot: number,
  keep: Worker | null,
  reason: LeaveReason,
): void {
  for (const worker of liveWorkers(context.state, slot)) {
    if (worker !== keep) applyWorkerEvent(context, worker, "retire", { reason });
  }
}

function promote(context: StepContext, worker: Worker): void {
  const { state, at } = context;
  worker.acceptedAt = at;
  const slot = slotOf(context, worker);
  slot.opened = true;
  slot.respawnAt = null;
  slot.lastFailure = null;
  const took = duration(at - worker.spawnedAt);
  logLine(
    context,
    "info",
    `${workerLabel(worker)} accepting after ${took}`,
    workerLogFields("accepting", worker),
  );
  state.phase = state.phase === "starting" ? "running" : state.phase;
  if (state.paused) context.effects.push({ type: "standBy", worker: worker.id, drain: false });
  for (const other of liveWorkers(state, worker.slot)) {
    if (other.id < worker.id) replaced(context, other, worker);
  }
}

/** A worker accepts in the place of an older one, which may be needed again. */
function replaced(context: StepContext, old: Worker, successor: Worker): void {
  const reload = context.state.reload;
  const byReload = reload !== null && successor.generation === reload.generation;
  if (byReload && reload.brutal) {
    return applyWorkerEvent(context, old, "kill", { reason: "reload" });
  }
  if (byReload && reload.rollback) return applyWorkerEvent(context, old, "standBy");
  applyWorkerEvent(context, old, "retire", { reason: old.recycle ?? "reload" });
}

/** The old worker accepts again: whoever came after it goes. */
function reinstate(context: StepContext, worker: Worker): void {
  logLine(
    context,
    "info",
    `${workerLabel(worker)} accepting again`,
    workerLogFields("reinstated", worker),
  );
  retireOthers(context, worker.slot, worker, "reload-failed");
}

function ask(context: StepContext, worker: Worker, mercyMs: number): void {
  worker.deadline = context.at + mercyMs;
  const reason = retireReason(worker.reason);
  context.effects.push({ type: "retire", worker: worker.id, reason, mercyMs });
  const text = `${workerLabel(worker)} retiring: ${worker.reason ?? reason}`;
  logLine(context, "info", text, { ...workerLogFields("retiring", worker), reason: worker.reason });
}

/** The worker only needs to know which of its handlers to call. */
function retireReason(reason: LeaveReason | null): RetireReason {
  return reason === "stop" || reason === "scaled-down" ? reason : "reload";
}

function kill(context: StepContext, worker: Worker, overdue: boolean): void {
  context.effects.push({ type: "signal", worker: worker.id, signal: "SIGKILL" });
  if (!overdue) return;
  const text = `${workerLabel(worker)} did not leave in time: killing it`;
  logLine(context, "warning", text, workerLogFields("killing", worker));
}

function startFailed(context: StepContext, worker: Worker, details: WorkerEventDetails): void {
  const timedOut = details.how === undefined;
  if (timedOut) {
    context.effects.push({ type: "signal", worker: worker.id, signal: "SIGKILL" });
    worker.reason ??= "start-timeout";
  }
  const limit = duration(context.at - worker.spawnedAt);
  const how = timedOut ? `did not accept within ${limit}` : `${details.how} before it accepted`;
  const why = details.error ? `${how}: ${details.error}` : how;
  logLine(context, "error", `${workerLabel(worker)} ${why}`, {
    ...workerLogFields("startFailed", worker),
    why,
  });
  recordFailure(context, worker, why);
  const slot = slotOf(context, worker);
  if (!timedOut) slot.lastLeave = why;
  // The worker that was to be replaced stays, and the next try waits like any other.
  const stays = context.state.reload === null && liveWorkers(context.state, slot.number).length > 0;
  if (stays) slot.respawnAt = context.at + pauseOfSlot(slot.deaths + 1, slot.number);
}

function died(context: StepContext, worker: Worker, how: string): void {
  const lived = duration(context.at - worker.spawnedAt);
  const text = `${workerLabel(worker)} ${how} after ${lived}, without being told to`;
  logLine(context, "error", text, { ...workerLogFields("died", worker), how });
  recordFailure(context, worker, how);
}

function left(context: StepContext, worker: Worker, how: string): void {
  const reason = worker.reason;
  const text = `${workerLabel(worker)} is gone: ${how}${reason === null ? "" : ` (${reason})`}`;
  logLine(context, "info", text, { ...workerLogFields("gone", worker), how, reason });
}

/** Notes in the slot that its worker failed: the next pause is longer, and a reload learns why. */
export function recordFailure(context: StepContext, worker: Worker, why: string): void {
  const slot = slotOf(context, worker);
  // A start that fails has not lived at all, however long it took.
  const lived = worker.acceptedAt === null ? 0 : context.at - worker.acceptedAt;
  slot.deaths = deathsInARow(slot.deaths, lived);
  slot.lastFailure = why;
}

/** Makes a replacement due for every slot that has no worker and should have one. */
export function fillSlots(context: StepContext): void {
  const { state, at } = context;
  if (state.phase !== "running") return;
  for (const slot of state.slots) {
    const due = slot.respawnAt === null && !slot.givenUp;
    const wanted = slot.number <= desiredSlots(state) && due;
    if (!wanted || liveWorkers(state, slot.number).length > 0) continue;
    const { respawnLimit } = state.settings;
    if (respawnLimit > 0 && slot.deaths >= respawnLimit) {
      giveUp(context, slot);
      continue;
    }
    const pause = pauseOfSlot(slot.deaths, slot.number);
    slot.respawnAt = at + pause;
    if (pause === 0) continue;
    const text = `worker ${slot.number} failed ${slot.deaths} times in a row: ` +
      `next start in ${duration(pause)}`;
    logLine(context, "warning", text, { event: "backoff", worker: slot.number, pauseMs: pause });
  }
}

function giveUp(context: StepContext, slot: Slot): void {
  slot.givenUp = true;
  const text = `worker ${slot.number} failed ${slot.deaths} times in a row: ` +
    "no other is started before the next reload";
  logLine(context, "error", text, { event: "givenUp", worker: slot.number });
}

/** True if no worker is there and none comes at once. */
export function hasNoWorkersLeft({ state, at }: StepContext): boolean {
  const wanted = state.slots.slice(0, desiredSlots(state));
  if (state.workers.length > 0 || wanted.length === 0) return false;
  return wanted.every(({ givenUp, respawnAt }) =>
    givenUp || (respawnAt !== null && respawnAt > at)
  );
}

function slotOf(context: StepContext, worker: Worker): Slot {
  const slot = context.state.slots[worker.slot - 1];
  if (slot === undefined) throw new RangeError(`No slot ${worker.slot}`);
  return slot;
}

/** Starts what is due, kills what is overdue. */
export function actOnDeadlines(context: StepContext): void {
  for (const worker of [...context.state.workers]) {
    if (worker.deadline !== null && worker.deadline <= context.at) {
      applyWorkerEvent(context, worker, "deadline");
    }
  }
  for (const slot of context.state.slots) {
    if (slot.respawnAt === null || slot.respawnAt > context.at) continue;
    slot.respawnAt = null;
    const wanted = slot.number <= desiredSlots(context.state);
    if (!wanted || liveWorkers(context.state, slot.number).length > 0) continue;
    spawnWorker(context, slot.number, context.state.generation);
  }
}

/**
 * True if a worker of another generation is leaving: a further one would be the third. One in a slot
 * that is not wanted any more, and that nobody else can serve yet, is not waited for: a new worker in
 * a wanted slot is just what it needs.
 */
export function hasLeavingOldGeneration({ state }: StepContext): boolean {
  return state.workers.some((worker) =>
    worker.generation !== state.generation && isLeaving(worker)
  );
}
