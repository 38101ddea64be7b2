/**
 * Workers that have reached a limit. Their successors start beside them, one at a time, and a worker
 * leaves when its successor accepts; only one that does not get on any more goes before that.
 *
 * @module
 */

import { applyWorkerEvent, recordFailure, spawnWorker } from "./worker_lifecycle.ts";
import { type LeaveReason, liveWorkers, type Worker } from "./state.ts";
import {
  duration,
  logLine,
  type StepContext,
  workerLabel,
  workerLogFields,
} from "./step_context.ts";

/** A worker is to be replaced when its turn comes. */
export function requestRecycling(
  context: StepContext,
  worker: Worker,
  reason: LeaveReason,
  why: string,
): void {
  if (!isServing(worker) || worker.recycle !== null) return;
  worker.recycle = reason;
  logLine(context, "info", `${workerLabel(worker)} is to be replaced: ${why}`, {
    ...workerLogFields("recycling", worker),
    reason,
  });
}

/** A worker does not get on: it has `graceMs` for what else it does. */
export function replaceStuckWorker(
  context: StepContext,
  worker: Worker,
  reason: LeaveReason,
  why: string,
  graceMs: number,
): void {
  if (!isServing(worker) && worker.state !== "standby") return;
  logLine(context, "error", `${workerLabel(worker)} ${why}`, {
    ...workerLogFields("condemned", worker),
    reason,
  });
  recordFailure(context, worker, why);
  const slot = context.state.slots[worker.slot - 1];
  if (reason === "harakiri" && slot !== undefined) slot.harakiris++;
  applyWorkerEvent(context, worker, "retire", { reason, graceMs });
}

/** A worker's clients wait for nobody: it finishes what it has, and another one takes its place at once. */
export function replaceUnserved(context: StepContext, worker: Worker, address: string): void {
  // Whoever makes room is not to accept, and nobody is while the instance is paused. A worker that closed its
  // server has said that it does not accept now.
  if (!isServing(worker) || context.state.paused) return;
  const { startTimeoutMs, mercyMs } = context.state.settings;
  const why =
    `accepts no more on ${address}: clients have waited for ${duration(startTimeoutMs)} ` +
    "(start-timeout), and it listens there no longer, or takes none of them";
  replaceStuckWorker(context, worker, "not-accepting", why, mercyMs);
}

function isServing(worker: Worker): boolean {
  return worker.state === "accepting" || worker.state === "paused";
}

/**
 * Starts the next successor. A reload replaces everybody anyway, and a slot whose last start failed
 * waits like any other.
 */
export function advanceRecycling(context: StepContext): void {
  const { state } = context;
  if (state.phase !== "running" || state.reload !== null) return;
  const next = state.workers.find((worker) =>
    worker.recycle !== null && isServing(worker) &&
    state.slots[worker.slot - 1]?.respawnAt === null
  );
  if (next === undefined || state.slots.some(({ number }) => isBeingReplaced(context, number))) {
    return;
  }
  spawnWorker(context, next.slot, state.generation);
}

function isBeingReplaced(context: StepContext, slot: number): boolean {
  const live = liveWorkers(context.state, slot);
  return live.length > 1 && live.some((worker) => worker.state === "starting");
}
