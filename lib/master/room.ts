/**
 * Runs in the master. Whether there is room for another number of workers: each slot has sockets of its own.
 *
 * @module
 */

import { whyNotFewer } from "../core/scaling.ts";
import type { MasterState } from "../core/state.ts";
import type { Listeners } from "./listeners.ts";

/** Why there cannot be so few without a restart; null: there can. */
export function whyFewerNeedRestart(state: MasterState, processes: number): string | null {
  const why = processes < state.settings.processes ? whyNotFewer(state) : null;
  return why === null ? null : `Fewer processes need a restart, because ${why}`;
}

/** Binds the sockets of new slots; says what is in the way. */
export function makeRoom(listeners: Listeners, processes: number): string | null {
  try {
    listeners.grow(processes);
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `Cannot open the sockets of ${processes} processes: ${reason}`;
  }
}
