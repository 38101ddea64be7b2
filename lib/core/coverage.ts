/**
 * Who accepts for a slot that has no worker: with a socket per slot, connections go on arriving in
 * its queue, and a sibling takes them until the slot has a worker again.
 *
 * @module
 */

import type { MasterState, Slot, Worker } from "./state.ts";
import type { StepContext } from "./step_context.ts";

/** For every slot with a queue and without an accepting worker, the worker that accepts for it. */
export function decideCoverage(state: MasterState): Record<number, number> {
  if (!state.socketPerSlot) return {};
  const able = state.workers.filter(isAble);
  const served = new Set(able.map((worker) => worker.slot));
  for (const worker of state.workers) {
    if (worker.state === "accepting") served.add(worker.slot);
  }
  const coverage: Record<number, number> = {};
  const load = new Map<number, number>();
  for (const slot of state.slots) {
    if (!hasQueue(state, slot) || served.has(slot.number)) continue;
    const candidates = able.filter((worker) => worker.slotsKnown >= slot.number);
    const kept = candidates.find((worker) => worker.id === state.coverage[slot.number]);
    const chosen = kept ?? leastLoaded(candidates, load);
    if (chosen === undefined) continue;
    coverage[slot.number] = chosen.id;
    load.set(chosen.id, (load.get(chosen.id) ?? 0) + 1);
  }
  return coverage;
}

/**
 * True if connections may wait in a slot's queue. Slots that have never had an accepting worker have none
 * yet, unless their worker failed, which may have listened before it did; the sockets of the first slot
 * may listen from the bind on.
 */
function hasQueue({ firstListens }: MasterState, slot: Slot): boolean {
  return slot.opened || slot.lastFailure !== null || (slot.number === 1 && firstListens);
}

/** True if there will be somebody for a slot's queue when only the first `kept` slots have workers. */
export function canCover(state: MasterState, slot: number, kept: number): boolean {
  if (!state.socketPerSlot || state.slots[slot - 1]?.opened !== true) return true;
  return state.workers.some((worker) =>
    isAble(worker) && worker.slot <= kept && worker.slotsKnown >= slot
  );
}

function isAble(worker: Worker): boolean {
  return worker.state === "accepting" && worker.covers;
}

function leastLoaded(workers: readonly Worker[], load: ReadonlyMap<number, number>) {
  let best: Worker | undefined;
  for (const worker of workers) {
    if (best === undefined || (load.get(worker.id) ?? 0) < (load.get(best.id) ?? 0)) best = worker;
  }
  return best;
}

/** Tells every worker whose duty changed. */
export function updateCoverage(context: StepContext): void {
  const { state } = context;
  state.coverage = decideCoverage(state);
  const duties = slotsByWorker(state.coverage);
  for (const worker of state.workers) {
    if (worker.state !== "accepting" && worker.state !== "paused") continue;
    const duty = duties.get(worker.id) ?? [];
    if (duty.join() === worker.duty.join()) continue;
    worker.duty = duty;
    context.effects.push({ type: "cover", worker: worker.id, slots: duty });
  }
}

function slotsByWorker(coverage: Readonly<Record<number, number>>): Map<number, number[]> {
  const duties = new Map<number, number[]>();
  for (const [slot, worker] of Object.entries(coverage)) {
    duties.set(worker, [...(duties.get(worker) ?? []), Number(slot)]);
  }
  return duties;
}
