/**
 * Master states for tests, of which only what matters has to be written.
 *
 * @module
 */
import { initialState, type MasterState, type Slot, type Worker } from "../../lib/core/state.ts";

/** A worker: an accepting one in slot 1, unless something else is said. */
export function workerOf(part: Partial<Worker> = {}): Worker {
  return {
    id: 1,
    slot: 1,
    generation: 1,
    pid: 101,
    state: "accepting",
    spawnedAt: 0,
    acceptedAt: 0,
    deadline: null,
    reason: null,
    recycle: null,
    waitsFor: null,
    covers: true,
    duty: [],
    slotsKnown: 8,
    ...part,
  };
}

/** A slot: number 1, opened, with nothing due, unless something else is said. */
export function slotOf(part: Partial<Slot> = {}): Slot {
  return {
    number: 1,
    deaths: 0,
    respawnAt: null,
    givenUp: false,
    opened: true,
    lastFailure: null,
    lastLeave: null,
    harakiris: 0,
    ...part,
  };
}

/** A state: a running master with a socket per slot, unless something else is said. */
export function stateOf(part: Partial<MasterState> = {}): MasterState {
  const settings = {
    processes: 4,
    startTimeoutMs: 60_000,
    mercyMs: 60_000,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  return { ...initialState(settings, true, 0), phase: "running", ...part };
}
