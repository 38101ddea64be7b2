/**
 * How many slots have a worker: as many as are configured, fewer while fewer are needed. A slot whose
 * worker leaves for good is served by a sibling, so that no connection in its queue is lost.
 *
 * @module
 */

import { canCover } from "./coverage.ts";
import { growSlots, retireOthers } from "./worker_lifecycle.ts";
import { requestRecycling } from "./recycle.ts";
import { desiredSlots, liveWorkers, type MasterState, type Scale } from "./state.ts";
import { logLine, reportResult, type StepContext, verdictNow } from "./step_context.ts";
import type { RequestId, SlotFailure } from "./verdict.ts";

/** Somebody wants another number of slots. */
export function scale(
  context: StepContext,
  processes: number,
  why: string,
  tickets: readonly RequestId[],
): void {
  const { state } = context;
  const before = state.settings.processes;
  const problem = processes < before ? scaleDownObstacle(state) : null;
  if (problem !== null) return refuseScaling(context, problem, tickets);
  state.settings = { ...state.settings, processes };
  if (state.nextSettings !== null) state.nextSettings = { ...state.nextSettings, processes };
  growSlots(context, processes);
  // A slot that comes back is tried like a new one.
  for (const slot of state.slots.slice(before)) Object.assign(slot, { deaths: 0, givenUp: false });
  logLine(context, "info", `Scaling from ${before} to ${countOf(processes)}: ${why}`, {
    event: "scaling",
    from: before,
    to: processes,
  });
  const asked = state.scale;
  state.scale = {
    before: Math.min(asked?.before ?? before, processes),
    tickets: [...asked?.tickets ?? [], ...tickets],
    startedAt: asked?.startedAt ?? context.at,
  };
}

/**
 * Looks at how the workers of added slots are doing: it is done when they accept. The first that fails
 * ends it, and their number is the one before again.
 */
export function advanceScale(context: StepContext): void {
  const { state } = context;
  const { scale, phase } = state;
  if (scale === null || state.reload !== null || phase !== "running") return;
  const added = state.slots.slice(scale.before, desiredSlots(state));
  const failures = added.flatMap(({ number, deaths, lastFailure }) =>
    deaths === 0 ? [] : [{ slot: number, why: lastFailure ?? "left" }]
  );
  if (failures.length > 0) return failScale(context, scale, failures);
  if (!added.every(({ number }) => hasAccepted(state, number))) return;
  state.scale = null;
  const { processes } = state.settings;
  const cheap = desiredSlots(state) === 0 ? ", once a connection comes" : "";
  endScale(context, scale, "done", `${countOf(processes)} from now on${cheap}`, []);
}

/** Stops waiting: the master is about to leave. */
export function cancelScale(context: StepContext): void {
  const { scale } = context.state;
  context.state.scale = null;
  if (scale !== null) endScale(context, scale, "cancelled", "The instance is stopping", []);
}

function failScale(context: StepContext, scale: Scale, failures: readonly SlotFailure[]): void {
  const { state } = context;
  const wanted = state.settings.processes;
  // Where nobody could take the queue of a slot that goes, a worker that accepts stays.
  const stays = scaleDownObstacle(state) === null ? [] : state.slots.slice(scale.before, wanted)
    .filter(({ number }) => hasAccepted(state, number)).map(({ number }) => number);
  const processes = Math.max(scale.before, ...stays);
  state.scale = null;
  state.settings = { ...state.settings, processes };
  for (const slot of state.slots.slice(processes)) slot.respawnAt = null;
  const reasons = failures.map(({ slot, why }) => `worker ${slot} ${why}`).join("; ");
  const text = `Scaling from ${scale.before} to ${wanted} failed: ${reasons}. ` +
    `It stays at ${countOf(processes)}`;
  logLine(context, "error", text, {
    event: "scaleFailed",
    from: wanted,
    to: processes,
    failed: failures,
  });
  endScale(context, scale, "failed", text, failures);
}

function endScale(
  context: StepContext,
  { tickets, startedAt }: Scale,
  outcome: "done" | "failed" | "cancelled",
  text: string,
  failures: readonly SlotFailure[],
): void {
  const tookMs = Math.round(context.at - startedAt);
  reportResult(context, tickets, { ...verdictNow(context, outcome, text), tookMs, failures });
}

function hasAccepted(state: MasterState, slot: number): boolean {
  return liveWorkers(state, slot).some(({ acceptedAt }) => acceptedAt !== null);
}

/** `1 worker`, `2 workers`. */
export function countOf(workers: number): string {
  return workers === 1 ? "1 worker" : `${workers} workers`;
}

/** The number of slots stays as it is. */
export function refuseScaling(
  context: StepContext,
  problem: string,
  tickets: readonly RequestId[],
): void {
  logLine(context, "error", `Cannot scale: ${problem}`, { event: "scaleRefused" });
  reportResult(context, tickets, verdictNow(context, "failed", problem));
}

/** Fewer slots are needed for now, or more again. */
export function setDesiredWorkers(context: StepContext, workers: number, why: string): void {
  const { state } = context;
  const before = desiredSlots(state);
  if (workers < before && scaleDownObstacle(state) !== null) return;
  state.want = workers;
  const after = desiredSlots(state);
  if (after === before) return;
  logLine(context, "info", `${after} of ${countOf(state.settings.processes)} wanted: ${why}`, {
    event: "wanted",
    from: before,
    to: after,
  });
}

/** Why no slot can be left without a worker; null: one can. */
export function scaleDownObstacle(state: MasterState): string | null {
  if (!state.socketPerSlot) return null;
  if (!state.workers.some((worker) => worker.state === "accepting" && !worker.covers)) return null;
  return "the script does not serve all sockets through the uwsgi module, so nobody could take the " +
    "queues of the slots that go";
}

/**
 * Sends the workers of slots away that are not wanted. Where nobody else has the slot's socket, a
 * sibling is replaced first: its successor inherits all of them.
 */
export function shrink(context: StepContext): void {
  const { state } = context;
  if (state.phase !== "running" || state.reload !== null) return;
  const wanted = desiredSlots(state);
  for (const slot of state.slots.slice(wanted)) {
    slot.respawnAt = null;
    if (wanted === 0 || canCover(state, slot.number, wanted)) {
      retireOthers(context, slot.number, null, "scaled-down");
      continue;
    }
    const [first] = liveWorkers(state, slot.number);
    if (first === undefined) continue;
    const heir = state.workers.find((worker) =>
      worker.slot <= wanted && worker.state === "accepting"
    );
    const why = `it does not have the sockets of slot ${slot.number}, which is to go`;
    if (heir !== undefined) requestRecycling(context, heir, "reload", why);
  }
}

/** For who did not mean that: a terminal's Ctrl-Z suspends other programs. */
const PAUSED =
  "No worker accepts, and clients wait until it is resumed: by SIGTSTP again (Ctrl-Z) " +
  "or ctl resume";

/** Stops accepting everywhere, or accepts again. */
export function pauseInstance(
  context: StepContext,
  on: boolean,
  why: string,
  tickets: readonly RequestId[],
): void {
  const { state } = context;
  const text = on ? "No worker accepts until it is resumed" : "The workers accept again";
  reportResult(context, tickets, verdictNow(context, "done", text));
  if (state.paused === on) return;
  state.paused = on;
  const what = on ? `Pausing: ${why}. ${PAUSED}` : `Resuming: ${why}`;
  logLine(context, "warning", what, {
    event: on ? "paused" : "resumed",
  });
  for (const worker of state.workers) {
    // What a worker has said last may be older than what it was told last.
    if (worker.state !== "accepting" && worker.state !== "paused") continue;
    context.effects.push(
      on
        ? { type: "standBy", worker: worker.id, drain: false }
        : { type: "recall", worker: worker.id },
    );
  }
}

/** Who serves when every slot that is wanted accepts, for the log. */
export function whoAccepts(workers: number): string {
  if (workers === 0) return "No worker is needed yet: listening";
  return workers === 1 ? "The worker accepts" : `All ${workers} workers accept`;
}
