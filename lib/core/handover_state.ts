/**
 * What a master passes on to the program that replaces its own, and the state in which that one goes on.
 *
 * @module
 */

import {
  initialState,
  isLeaving,
  type MasterState,
  newSlot,
  type ReloadRecord,
  type Settings,
  type Slot,
  type Worker,
} from "./state.ts";

/** What a master passes on to the program that replaces its own. */
export interface HandoverState {
  readonly generation: number;
  readonly lastGeneration: number;
  readonly nextWorker: number;
  readonly paused: boolean;
  /** As in {@linkcode MasterState}. */
  readonly want: number | null;
  /** Milliseconds since the master started. */
  readonly uptimeMs: number;
  readonly slots: readonly HandoverSlot[];
  readonly workers: readonly HandoverWorker[];
  readonly reloadEnds: readonly HandoverReloadRecord[];
  readonly reloadOutcomes: MasterState["reloadOutcomes"];
}

/** A slot as it is passed on: what it had to wait for is forgotten, not what has happened. */
export type HandoverSlot = Pick<Slot, "lastLeave" | "harakiris">;

/** The end of a reload as it is passed on. */
export interface HandoverReloadRecord extends Omit<ReloadRecord, "at" | "why"> {
  /** An older program does not say it. */
  readonly why?: string;
  readonly ageMs: number;
}

/** A worker as it is passed on. */
export interface HandoverWorker extends
  Pick<
    Worker,
    "id" | "slot" | "generation" | "pid" | "state" | "covers" | "slotsKnown" | "reason"
  > {
  readonly ageMs: number;
}

/** What is passed on. Nobody is starting then: a start belongs to the program that waits for it. */
export function exportState(state: MasterState, at: number): HandoverState {
  return {
    generation: state.generation,
    // The reload that waits for the new program has not started anybody: its number comes again.
    lastGeneration: state.lastGeneration - 1,
    nextWorker: state.nextWorker,
    paused: state.paused,
    want: state.want,
    uptimeMs: at - state.startedAt,
    slots: state.slots.map(({ lastLeave, harakiris }) => ({ lastLeave, harakiris })),
    reloadOutcomes: state.reloadOutcomes,
    reloadEnds: state.reloadEnds.map(({ at: ended, ...end }) => ({ ...end, ageMs: at - ended })),
    workers: state.workers.map((worker) => ({
      id: worker.id,
      slot: worker.slot,
      generation: worker.generation,
      pid: worker.pid,
      state: worker.state,
      covers: worker.covers,
      slotsKnown: worker.slotsKnown,
      reason: worker.reason,
      ageMs: at - worker.spawnedAt,
    })),
  };
}

/** The state in which a master goes on with the workers of another one. */
export function importState(
  settings: Settings,
  socketPerSlot: boolean,
  at: number,
  inheritance: HandoverState,
): MasterState {
  const { generation, lastGeneration, nextWorker, paused, slots } = inheritance;
  return {
    ...initialState(settings, socketPerSlot, at - inheritance.uptimeMs),
    phase: "running",
    ready: true,
    generation,
    lastGeneration,
    nextWorker,
    paused,
    slots: Array.from({ length: Math.max(slots.length, settings.processes) }, (_, i) => ({
      ...newSlot(i + 1),
      ...slots[i],
      opened: i < slots.length,
    })),
    reloadOutcomes: inheritance.reloadOutcomes,
    reloadEnds: inheritance.reloadEnds.map(({ ageMs, why = "", ...end }) => ({
      ...end,
      why,
      at: at - ageMs,
    })),
    workers: inheritance.workers.map(({ ageMs, ...worker }) => ({
      ...worker,
      spawnedAt: at - ageMs,
      acceptedAt: at - ageMs,
      deadline: isLeaving(worker) ? at + settings.mercyMs : null,
      recycle: null,
      waitsFor: null,
      duty: [],
    })),
  };
}
