/**
 * The CPU time of another process, from /proc.
 *
 * @module
 */

import { statOf, TICKS_PER_SECOND } from "./process_stat.ts";

/**
 * The CPU time that a process has taken in its life, in milliseconds (in steps of 10).
 *
 * @returns Null if the process is gone, or not to be seen.
 */
export function processCpuMs(pid: number): number | null {
  const ticks = statOf(pid)?.cpuTicks ?? NaN;
  return Number.isFinite(ticks) ? ticks * 1_000 / TICKS_PER_SECOND : null;
}
