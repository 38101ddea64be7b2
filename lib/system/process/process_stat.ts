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
  /** Clock ticks that it has had a processor, in user mode and in the kernel. */
  readonly cpuTicks: number;
}

/** Clock ticks per second in /proc: `USER_HZ`, which is 100 on every architecture that Deno runs on. */
export const TICKS_PER_SECOND = 100;

/**
 * The fields of /proc/PID/stat from the third on, the state: those before it are the pid and the name, which
 * is in parentheses and may hold anything, parentheses too.
 */
export function statFields(text: string): readonly string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Reads the text of /proc/PID/stat; null if it is none. */
export function parseStat(text: string): ProcessStat | null {
  const fields = statFields(text);
  const [state = "", parent, , session] = fields;
  const pid = Number.parseInt(text);
  if (Number.isNaN(pid) || session === undefined) return null;
  return {
    pid,
    state,
    parent: Number(parent),
    session: Number(session),
    startedAt: fields[19] ?? "",
    cpuTicks: Number(fields[11]) + Number(fields[12]),
  };
}

/** A process as it is now; null: it is not there, or not to be seen. */
export function statOf(pid: number | string): ProcessStat | null {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return null;
  }
}
