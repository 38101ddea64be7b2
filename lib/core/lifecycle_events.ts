/**
 * What has happened to workers between two states, for hooks: a worker was started, a worker accepts,
 * all of them do.
 *
 * @module
 */

import type { MasterState } from "./state.ts";

/** One thing that happened; `first`: it was the first worker of its slot that accepted. */
export type LifecycleEvent =
  | { readonly type: "started"; readonly slot: number; readonly pid: number }
  | {
    readonly type: "accepting";
    readonly slot: number;
    readonly pid: number;
    readonly first: boolean;
  }
  | { readonly type: "ready" };

/** The milestones on the way from one state to the next, in the order of the workers. */
export function milestones(before: MasterState, state: MasterState): LifecycleEvent[] {
  const found: LifecycleEvent[] = [];
  const known = new Map(before.workers.map((worker) => [worker.id, worker]));
  for (const { id, slot, pid, acceptedAt } of state.workers) {
    const old = known.get(id);
    if (pid === null) continue;
    if ((old?.pid ?? null) === null) found.push({ type: "started", slot, pid });
    if (acceptedAt === null || (old?.acceptedAt ?? null) !== null) continue;
    const first = before.slots[slot - 1]?.opened !== true;
    found.push({ type: "accepting", slot, pid, first });
  }
  if (state.ready && !before.ready) found.push({ type: "ready" });
  return found;
}
