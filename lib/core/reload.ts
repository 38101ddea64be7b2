/**
 * A reload: new workers start beside the old ones, an old worker retires only when its successor
 * accepts, and what fails leaves the old worker where it is. A chain takes one slot after the other
 * and ends at the first failure; a reload of everything takes all slots at once.
 *
 * @module
 */

import { anyLeaving, growSlots, retireOthers, spawnWorker } from "./pool.ts";
import { liveWorkers, type Reload, type ReloadKind, type Worker } from "./state.ts";
import { duration, log, type Turn } from "./turn.ts";

/** Somebody wants a reload. One that comes while another runs waits; only one waits. */
export function requestReload(turn: Turn, kind: ReloadKind, why: string): void {
  const { state } = turn;
  if (state.phase === "stopping" || state.phase === "killing") return;
  const busy = isBusy(turn);
  state.queued = state.queued === "all" ? "all" : kind;
  const what = kind === "chain" ? "Chain reload" : "Reload";
  const text = busy
    ? `${what} asked for (${why}): it follows the one that runs`
    : `${what}: ${why}`;
  log(turn, "info", text, { event: "reloadRequested", kind, queued: busy });
}

function isBusy(turn: Turn): boolean {
  const { phase, reload } = turn.state;
  return reload !== null || phase === "starting" || anyLeaving(turn);
}

/**
 * Begins the waiting reload when its time has come: not while the workers of the last one are still
 * leaving, so that there are never more than two generations.
 */
export function beginQueuedReload(turn: Turn): void {
  const { state } = turn;
  if (state.queued === null || isBusy(turn)) return;
  const kind = state.queued;
  state.queued = null;
  state.lastGeneration++;
  const reload: Reload = {
    kind,
    generation: state.lastGeneration,
    startedAt: turn.at,
    pending: [],
    starting: [],
    done: [],
    failed: [],
  };
  state.reload = reload;
  state.nextSettings = null;
  if (kind === "all") {
    turn.effects.push({ type: "readConfiguration" });
  } else {
    takeSlots(turn, reload, state.settings.processes);
  }
}

/** The configuration was read again: the reload of everything starts its workers. */
export function configured(turn: Turn, reload: Reload): void {
  const settings = turn.state.nextSettings ?? turn.state.settings;
  growSlots(turn, settings.processes);
  takeSlots(turn, reload, settings.processes);
}

/** The configuration is no good: everything stays as it is. */
export function abandonReload(turn: Turn): void {
  const { state } = turn;
  log(turn, "error", "Reload failed: the configuration has errors, everything stays as it is", {
    event: "reloadFinished",
    outcome: "failed",
    generation: state.generation,
  });
  state.reload = null;
  state.nextSettings = null;
}

function takeSlots(turn: Turn, reload: Reload, processes: number): void {
  reload.pending = Array.from({ length: processes }, (_, i) => i + 1);
  startPending(turn, reload);
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
    if (record !== undefined) record.respawnAt = null;
    spawnWorker(turn, slot, reload.generation);
  }
}

/** Looks at how the new workers are doing, starts the next ones, ends the reload when all is done. */
export function advanceReload(turn: Turn): void {
  const reload = turn.state.reload;
  if (reload === null) return;
  while (reload.starting.length > 0) {
    const decided = reload.starting.filter((slot) =>
      workerOf(turn, reload, slot)?.state !== "starting"
    );
    if (decided.length === 0) return;
    reload.starting = reload.starting.filter((slot) => !decided.includes(slot));
    for (const slot of decided) {
      if (workerOf(turn, reload, slot) === undefined) slotFailed(turn, reload, slot);
      else slotReplaced(turn, reload, slot);
    }
    startPending(turn, reload);
    if (reload.starting.length === 0) finish(turn, reload);
  }
}

function workerOf(turn: Turn, reload: Reload, slot: number): Worker | undefined {
  return liveWorkers(turn.state, slot).find((one) => one.generation === reload.generation);
}

function slotReplaced(turn: Turn, reload: Reload, slot: number): void {
  reload.done.push(slot);
  confirm(turn, reload);
}

/** The slot keeps its old worker; a chain goes no further. */
function slotFailed(turn: Turn, reload: Reload, slot: number): void {
  const why = turn.state.slots[slot - 1]?.lastFailure ?? "left";
  reload.failed.push({ slot, why });
  if (reload.kind === "chain") reload.pending = [];
}

/** The new generation has proved that it starts: it is the one that is respawned from now on. */
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

function finish(turn: Turn, reload: Reload): void {
  const { state } = turn;
  const took = duration(turn.at - reload.startedAt);
  const ok = reload.failed.length === 0;
  if (ok) shrink(turn);
  state.reload = null;
  state.nextSettings = null;
  const fields = {
    event: "reloadFinished",
    outcome: ok ? "done" : "failed",
    kind: reload.kind,
    generation: reload.generation,
    failed: reload.failed,
  };
  const what = reload.kind === "chain" ? "Chain reload" : "Reload";
  if (ok) {
    const text = `${what} done in ${took}: every slot runs generation ${reload.generation}`;
    log(turn, "info", text, fields);
    return;
  }
  const reasons = reload.failed.map(({ slot, why }) => `worker ${slot} ${why}`).join("; ");
  log(turn, "error", `${what} failed after ${took}: ${reasons}. ${whoRunsWhat(turn)}`, fields);
}

/** The configuration asks for fewer workers than there are. */
function shrink(turn: Turn): void {
  const { state } = turn;
  const wanted = state.nextSettings?.processes ?? state.settings.processes;
  for (let slot = wanted + 1; slot <= state.settings.processes; slot++) {
    retireOthers(turn, slot, null, "scaled-down");
    const record = state.slots[slot - 1];
    if (record !== undefined) record.respawnAt = null;
  }
  state.settings = { ...state.settings, processes: wanted };
}

/** Which slots run which generation, for the log: `Slot 1 runs generation 2; slots 2, 3 run …`. */
function whoRunsWhat(turn: Turn): string {
  const byGeneration = new Map<string, number[]>();
  for (const { number } of turn.state.slots) {
    const worker = liveWorkers(turn.state, number)[0];
    const what = worker === undefined ? "no worker" : `generation ${worker.generation}`;
    byGeneration.set(what, [...(byGeneration.get(what) ?? []), number]);
  }
  const parts = [...byGeneration].map(([what, slots]) =>
    slots.length === 1 ? `slot ${slots[0]} runs ${what}` : `slots ${slots.join(", ")} run ${what}`
  );
  const text = parts.join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Stops the reload where it is: the master is about to leave. */
export function cancelReload(turn: Turn): void {
  turn.state.reload = null;
  turn.state.queued = null;
  turn.state.nextSettings = null;
}
