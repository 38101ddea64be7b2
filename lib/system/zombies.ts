/**
 * Children that have ended and wait for their parent to ask how (wait(2), proc(5)).
 *
 * @module
 */

import type { Libc } from "./libc.ts";

const WNOHANG = 1;

/** A process; the time of its start tells it from a later one with the same pid. */
export interface Zombie {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startedAt: string;
}

/** The zombies among the children of this process; none where /proc cannot be read. */
export function zombieChildren(): Zombie[] {
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

function statOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    // Gone since the directory was read.
    return "";
  }
}

/** Reads /proc/PID/stat; null unless it is a zombie with this parent. */
export function zombieIn(stat: string, parent: number): Zombie | null {
  // The name in parentheses may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ppid] = fields;
  if (state !== "Z" || ppid !== String(parent)) return null;
  return { pid: Number.parseInt(stat), startedAt: fields[19] ?? "" };
}

/** Lets a zombie go; nothing happens to a process that is none, or not a child. */
export function reap(c: Libc, { pid }: Zombie): void {
  c.waitpid(pid, null, WNOHANG);
}
