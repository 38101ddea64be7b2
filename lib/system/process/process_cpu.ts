/**
 * The CPU time of another process, from /proc.
 *
 * @module
 */

/** Clock ticks per second in /proc: `USER_HZ`, which is 100 on every architecture that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** `utime` and `stime` among the fields that follow the name, see proc_pid_stat(5). */
const UTIME = 11;
const STIME = 12;

/**
 * The CPU time that a process has taken in its life, in milliseconds (in steps of 10).
 *
 * @returns Null if the process is gone, or not to be seen.
 */
export function processCpuMs(pid: number): number | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    // It may have ended just now.
    return null;
  }
  // The name is in parentheses and may contain anything, also spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  return Number.isFinite(ticks) ? ticks * 1_000 / TICKS_PER_SECOND : null;
}
