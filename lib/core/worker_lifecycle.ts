/**
 * The workers of the slots: starting them, sending them away, and what follows when they come and go.
 *
 * @module
 */

import { deathsInARow, pauseOfSlot } from "./restart_policy.ts";
import {
  isLeaving,
  type LeaveReason,
  liveWorkers,
  newSlot,
  type Slot,
  wantedSlots,
  type Worker,
} from "./state.ts";
import { duration, fieldsOf, log, nameOf, type Turn } from "./step_context.ts";
import type { RetireReason } from "../protocol/message.ts";
import { WORKER_TABLE, type WorkerEvent } from "./worker_table.ts";

/** How long a worker that never accepted may take to leave: it has no client to finish with (5 s). */
export const NO_CLIENT_MERCY_MS = 5_000;

/** How long a worker on standby may take to accept again before it is given up (5 s). */
export const RECALL_MS = 5_000;

/** Details of an event that only some answers need. */
export interface Details {
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
export function growSlots(turn: Turn, count: number): void {
  for (let number = turn.state.slots.length + 1; number <= count; number++) {
    turn.state.slots.push(newSlot(number));
  }
}

/** Starts a worker in a slot. */
export function spawnWorker(turn: Turn, slot: number, generation: number): void {
  const { state, at } = turn;
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
  turn.effects.push({ type: "spawn", worker: id, slot, generation });
}

/** Looks the event up in the worker's table and does what it says. */
export function happen(
  turn: Turn,
  worker: Worker,
  event: WorkerEvent,
  details: Details = {},
): void {
  const { next, action } = WORKER_TABLE[worker.state][event];
  const before = worker.state;
  if (next === "gone") {
    turn.state.workers = turn.state.workers.filter((other) => other.id !== worker.id);
    slotOf(turn, worker).lastLeave = worker.reason ?? details.how ?? null;
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
      return promote(turn, worker);
    case "ask":
      return ask(turn, worker, details.graceMs ?? turn.state.settings.mercyMs);
    case "sendAside":
      return void turn.effects.push({ type: "standBy", worker: worker.id, drain: true });
    case "recall":
      worker.deadline = turn.at + RECALL_MS;
      return void turn.effects.push({ type: "recall", worker: worker.id });
    case "reinstate":
      return reinstate(turn, worker);
    case "terminate":
      worker.deadline = turn.at + Math.min(NO_CLIENT_MERCY_MS, turn.state.settings.mercyMs);
      return void turn.effects.push({ type: "signal", worker: worker.id, signal: "SIGTERM" });
    case "kill":
      return kill(turn, worker, before === "retiring");
    case "startFailed":
      return startFailed(turn, worker, details);
    case "died":
      return died(turn, worker, details.how ?? "died");
    case "left":
      return left(turn, worker, details.how ?? "left");
  }
}

/** Sends every worker of a slot away, except one. */
export function retireOthers(
  turn: Turn,
  slot: number,
  keep: Worker | null,
  reason: LeaveReason,
): void {
  for (const worker of liveWorkers(turn.state, slot)) {
    if (worker !== keep) happen(turn, worker, "retire", { reason });
  }
}

function promote(turn: Turn, worker: Worker): void {
  const { state, at } = turn;
  worker.acceptedAt = at;
  const slot = slotOf(turn, worker);
  slot.opened = true;
  slot.respawnAt = null;
  slot.lastFailure = null;
  const took = duration(at - worker.spawnedAt);
  log(turn, "info", `${nameOf(worker)} accepting after ${took}`, fieldsOf("accepting", worker));
  state.phase = state.phase === "starting" ? "running" : state.phase;
  if (state.paused) turn.effects.push({ type: "standBy", worker: worker.id, drain: false });
  for (const other of liveWorkers(state, worker.slot)) {
    if (other.id < worker.id) replaced(turn, other, worker);
  }
}

/** A worker accepts in the place of an older one, which may be needed again. */
function replaced(turn: Turn, old: Worker, successor: Worker): void {
  const reload = turn.state.reload;
  const byReload = reload !== null && successor.generation === reload.generation;
  if (byReload && reload.brutal) return happen(turn, old, "kill", { reason: "reload" });
  if (byReload && reload.rollback) return happen(turn, old, "standBy");
  happen(turn, old, "retire", { reason: old.recycle ?? "reload" });
}

/** The old worker accepts again: whoever came after it goes. */
function reinstate(turn: Turn, worker: Worker): void {
  log(turn, "info", `${nameOf(worker)} accepting again`, fieldsOf("reinstated", worker));
  retireOthers(turn, worker.slot, worker, "reload-failed");
}

function ask(turn: Turn, worker: Worker, mercyMs: number): void {
  worker.deadline = turn.at + mercyMs;
  const reason = retireReason(worker.reason);
  turn.effects.push({ type: "retire", worker: worker.id, reason, mercyMs });
  const text = `${nameOf(worker)} retiring: ${worker.reason ?? reason}`;
  log(turn, "info", text, { ...fieldsOf("retiring", worker), reason: worker.reason });
}

/** The worker only needs to know which of its handlers to call. */
function retireReason(reason: LeaveReason | null): RetireReason {
  return reason === "stop" || reason === "scaled-down" ? reason : "reload";
}

function kill(turn: Turn, worker: Worker, overdue: boolean): void {
  turn.effects.push({ type: "signal", worker: worker.id, signal: "SIGKILL" });
  if (!overdue) return;
  const text = `${nameOf(worker)} did not leave in time: killing it`;
  log(turn, "warning", text, fieldsOf("killing", worker));
}

function startFailed(turn: Turn, worker: Worker, details: Details): void {
  const timedOut = details.how === undefined;
  if (timedOut) {
    turn.effects.push({ type: "signal", worker: worker.id, signal: "SIGKILL" });
    worker.reason ??= "start-timeout";
  }
  const limit = duration(turn.at - worker.spawnedAt);
  const how = timedOut ? `did not accept within ${limit}` : `${details.how} before it accepted`;
  const why = details.error ? `${how}: ${details.error}` : how;
  log(turn, "error", `${nameOf(worker)} ${why}`, { ...fieldsOf("startFailed", worker), why });
  recordFailure(turn, worker, why);
  const slot = slotOf(turn, worker);
  if (!timedOut) slot.lastLeave = why;
  // The worker that was to be replaced stays, and the next try waits like any other.
  const stays = turn.state.reload === null && liveWorkers(turn.state, slot.number).length > 0;
  if (stays) slot.respawnAt = turn.at + pauseOfSlot(slot.deaths + 1, slot.number);
}

function died(turn: Turn, worker: Worker, how: string): void {
  const lived = duration(turn.at - worker.spawnedAt);
  const text = `${nameOf(worker)} ${how} after ${lived}, without being told to`;
  log(turn, "error", text, { ...fieldsOf("died", worker), how });
  recordFailure(turn, worker, how);
}

function left(turn: Turn, worker: Worker, how: string): void {
  const reason = worker.reason;
  const text = `${nameOf(worker)} is gone: ${how}${reason === null ? "" : ` (${reason})`}`;
  log(turn, "info", text, { ...fieldsOf("gone", worker), how, reason });
}

/** Notes in the slot that its worker failed: the next pause is longer, and a reload learns why. */
export function recordFailure(turn: Turn, worker: Worker, why: string): void {
  const slot = slotOf(turn, worker);
  // A start that fails has not lived at all, however long it took.
  const lived = worker.acceptedAt === null ? 0 : turn.at - worker.acceptedAt;
  slot.deaths = deathsInARow(slot.deaths, lived);
  slot.lastFailure = why;
}

/** Makes a replacement due for every slot that has no worker and should have one. */
export function fillSlots(turn: Turn): void {
  const { state, at } = turn;
  if (state.phase !== "running") return;
  for (const slot of state.slots) {
    const due = slot.respawnAt === null && !slot.givenUp;
    const wanted = slot.number <= wantedSlots(state) && due;
    if (!wanted || liveWorkers(state, slot.number).length > 0) continue;
    const { respawnLimit } = state.settings;
    if (respawnLimit > 0 && slot.deaths >= respawnLimit) {
      giveUp(turn, slot);
      continue;
    }
    const pause = pauseOfSlot(slot.deaths, slot.number);
    slot.respawnAt = at + pause;
    if (pause === 0) continue;
    const text = `worker ${slot.number} failed ${slot.deaths} times in a row: ` +
      `next start in ${duration(pause)}`;
    log(turn, "warning", text, { event: "backoff", worker: slot.number, pauseMs: pause });
  }
}

function giveUp(turn: Turn, slot: Slot): void {
  slot.givenUp = true;
  const text = `worker ${slot.number} failed ${slot.deaths} times in a row: ` +
    "no other is started before the next reload";
  log(turn, "error", text, { event: "givenUp", worker: slot.number });
}

/** True if no worker is there and none comes at once. */
export function hasNoWorkersLeft({ state, at }: Turn): boolean {
  const wanted = state.slots.slice(0, wantedSlots(state));
  if (state.workers.length > 0 || wanted.length === 0) return false;
  return wanted.every(({ givenUp, respawnAt }) =>
    givenUp || (respawnAt !== null && respawnAt > at)
  );
}

function slotOf(turn: Turn, worker: Worker): Slot {
  const slot = turn.state.slots[worker.slot - 1];
  if (slot === undefined) throw new RangeError(`No slot ${worker.slot}`);
  return slot;
}

/** Starts what is due, kills what is overdue. */
export function actOnDeadlines(turn: Turn): void {
  for (const worker of [...turn.state.workers]) {
    if (worker.deadline !== null && worker.deadline <= turn.at) happen(turn, worker, "deadline");
  }
  for (const slot of turn.state.slots) {
    if (slot.respawnAt === null || slot.respawnAt > turn.at) continue;
    slot.respawnAt = null;
    const wanted = slot.number <= wantedSlots(turn.state);
    if (!wanted || liveWorkers(turn.state, slot.number).length > 0) continue;
    spawnWorker(turn, slot.number, turn.state.generation);
  }
}

/**
 * True if a worker of another generation is leaving: a further one would be the third. One in a slot
 * that is not wanted any more, and that nobody else can serve yet, is not waited for: a new worker in
 * a wanted slot is just what it needs.
 */
export function anyOlder({ state }: Turn): boolean {
  return state.workers.some((worker) =>
    worker.generation !== state.generation && isLeaving(worker)
  );
}
