/**
 * A process and all that it has started, as proc(5) shows them.
 *
 * @module
 */

import { memory } from "./process_usage.ts";

/** The pids of all processes below a process, without itself; zombies are left out. */
export function descendants(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? livingParent(Number(name)) : null;
    if (parent !== null) parents.set(Number(name), parent);
  }
  return descendantsOf(root, parents);
}

/** The same from the parent of each process. */
export function descendantsOf(
  root: number,
  parents: ReadonlyMap<number, number>,
): readonly number[] {
  const found = [root];
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  }
  return found.slice(1);
}

/** Whether a process runs; a zombie does not. */
export function lives(pid: number): boolean {
  return livingParent(pid) !== null;
}

/** Memory of a process and all below it, in MB: the sum of their PSS, so nothing counts twice. */
export function treeMemory(root: number): number {
  return [root, ...descendants(root)].reduce((sum, pid) => sum + pssOf(pid), 0);
}

/** 0 if it has ended meanwhile. */
function pssOf(pid: number): number {
  try {
    return memory(pid).pss;
  } catch (error) {
    if (lives(pid)) throw error;
    return 0;
  }
}

/** Pid of the parent of a process; null: it has ended. */
function livingParent(pid: number): number | null {
  try {
    return parentIn(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    // It has gone since it was seen.
    return null;
  }
}

/** Reads the parent from the text of `/proc/PID/stat`; null: the process has ended. */
export function parentIn(stat: string): number | null {
  // The name, in parentheses, may contain anything.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? null : Number(parent);
}
