/**
 * What /proc/PID/stat says of a process (proc_pid_stat(5)).
 *
 * @module
 */

/** A process; the time of its start tells it from a later one with the same pid. */
export interface KnownProcess {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startedAt: string;
}

/** A process, and where it belongs. */
export interface ProcessStat extends KnownProcess {
  /** One letter: Z for one that has ended and was not waited for. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
}

/** Reads the text of /proc/PID/stat; null if it is none. */
export function parseStat(text: string): ProcessStat | null {
  // The name in parentheses may hold anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, , session] = fields;
  const pid = Number.parseInt(text);
  if (Number.isNaN(pid) || session === undefined) return null;
  const startedAt = fields[19] ?? "";
  return { pid, state, parent: Number(parent), session: Number(session), startedAt };
}

/** A process as it is now; null: it is not there, or not to be seen. */
export function statOf(pid: number | string): ProcessStat | null {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return null;
  }
}
