/**
 * Children that have ended and wait for their parent to ask how (wait(2), proc(5)).
 *
 * @module
 */

import type { Libc } from "../libc.ts";
import { type KnownProcess, type ProcessStat, statOf } from "./process_stat.ts";

const WNOHANG = 1;

/** The zombies among the children of this process; none where /proc cannot be read. */
export function zombieChildren(): KnownProcess[] {
  return processes().flatMap((pid) => zombieIn(statOf(pid), Deno.pid) ?? []);
}

function processes(): string[] {
  try {
    return [...Deno.readDirSync("/proc")].map(({ name }) => name)
      .filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** The process, if it is a zombie with this parent; else null. */
export function zombieIn(stat: ProcessStat | null, parent: number): KnownProcess | null {
  if (stat === null || stat.state !== "Z" || stat.parent !== parent) return null;
  return { pid: stat.pid, startedAt: stat.startedAt };
}

/** Lets a zombie go; nothing happens to a process that is none, or not a child. */
export function reap(c: Libc, { pid }: KnownProcess): void {
  c.waitpid(pid, null, WNOHANG);
}
