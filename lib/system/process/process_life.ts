/**
 * Whether a process that is known by its number only is there, and since when (proc(5)).
 *
 * @module
 */

import { statOf, TICKS_PER_SECOND } from "./process_stat.ts";

/** True for a live process, whoever's it is. One that has ended and was not waited for is not alive. */
export function isAlive(pid: number): boolean {
  if (statOf(pid)?.state === "Z") return false;
  try {
    // The type knows names only; 0 is kill(2)'s way to ask whether it could be sent.
    Deno.kill(pid, 0 as unknown as Deno.Signal);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}

/** When a process was started, in milliseconds since the epoch; null: it is not there, or not visible. */
export function startedAt(pid: number): number | null {
  const started = Number(statOf(pid)?.startedAt ?? NaN);
  const uptime = Number(read("/proc/uptime")?.split(" ")[0] ?? NaN);
  if (!Number.isFinite(started) || !Number.isFinite(uptime)) return null;
  const ageMs = (uptime - started / TICKS_PER_SECOND) * 1000;
  return Date.now() - ageMs;
}

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // No such process, or /proc is kept from us: then kill(2) alone has to tell.
    return null;
  }
}
