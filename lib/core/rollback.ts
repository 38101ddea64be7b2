/**
 * The way back of a reload that failed: the old workers of replaced slots, which have been on standby,
 * accept again, and each new worker leaves when the old one does.
 *
 * @module
 */

import { applyWorkerEvent, retireOthers } from "./worker_lifecycle.ts";
import { liveWorkers, type Reload } from "./state.ts";
import { logLine, type StepContext } from "./step_context.ts";

/** Recalls the standbys. New workers that never accepted leave at once. */
export function beginRollback(context: StepContext, reload: Reload): void {
  const { state } = context;
  const standbys = state.workers.filter((worker) => worker.state === "standby");
  reload.ending = true;
  reload.verifiedAt = null;
  if (standbys.length > 0) {
    logLine(context, "warning", `Going back to generation ${state.generation}`, {
      event: "rollingBack",
      generation: state.generation,
      slots: standbys.map(({ slot }) => slot),
    });
  }
  for (const slot of reload.starting) {
    const old = liveWorkers(state, slot).find((one) => one.generation !== reload.generation);
    // A slot whose old worker died keeps the new one, if that makes it.
    if (old !== undefined) retireOthers(context, slot, old, "reload-failed");
  }
  reload.starting = [];
  for (const worker of standbys) applyWorkerEvent(context, worker, "recall");
}

/** True when every standby has answered, or is gone. */
export function isRolledBack(context: StepContext): boolean {
  return !context.state.workers.some((worker) => worker.state === "recalled");
}
