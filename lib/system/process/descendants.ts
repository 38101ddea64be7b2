/**
 * The processes below a child of ours that is about to be killed: afterwards nobody can tell whose they
 * were.
 *
 * @module
 */

import { type KnownProcess, statOf } from "./process_stat.ts";

/** Whoever has more is not followed further: killing is not to wait for it. */
const MOST = 1_000;

/**
 * What lives below a child of this process, in whatever session; nothing if it is no child of ours. What
 * has lost the process that started it is below it no more.
 */
export function descendantsOf(child: number): KnownProcess[] {
  // A number that was given to another process meanwhile is not followed.
  if (statOf(child)?.parent !== Deno.pid) return [];
  const found = new Map<number, KnownProcess>();
  const parents = [child];
  for (const parent of parents) {
    for (const pid of childrenOf(parent)) {
      const stat = statOf(pid);
      if (stat?.parent !== parent || found.has(pid) || found.size === MOST) continue;
      found.set(pid, { pid, startedAt: stat.startedAt });
      parents.push(pid);
    }
  }
  return [...found.values()];
}

/** The children of a process, by the threads that have started them (proc_tid_children(5)). */
function childrenOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim();
      return text === "" ? [] : text.split(" ").map(Number);
    });
  } catch {
    // It has ended, or this kernel does not tell.
    return [];
  }
}
