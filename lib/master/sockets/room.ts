/**
 * Runs in the master. Whether there is room for another number of workers: each slot has sockets of its own.
 *
 * @module
 */

import { scaleDownObstacle } from "../../core/worker_count.ts";
import type { MasterState } from "../../core/state.ts";

/** Why there cannot be so few without a restart; null: there can. */
export function whyFewerNeedRestart(state: MasterState, processes: number): string | null {
  const why = processes < state.settings.processes ? scaleDownObstacle(state) : null;
  return why === null ? null : `Fewer processes need a restart, because ${why}`;
}
