/**
 * Reads from proc(5) what a process uses.
 *
 * @module
 */

/** Clock ticks in a second, as proc(5) counts processor time: USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process and its threads so far, user and system, in seconds. */
export function cpuSeconds(pid: number): number {
  return cpuSecondsOf(Deno.readTextFileSync(`/proc/${pid}/stat`));
}

/**
 * The same from the text of `/proc/PID/stat`.
 *
 * @throws {RangeError} If it is none.
 */
export function cpuSecondsOf(stat: string): number {
  // The name, in parentheses, may contain anything; behind it, utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isFinite(ticks)) throw new RangeError(`Not the text of /proc/PID/stat: ${stat}`);
  return ticks / TICKS_PER_SECOND;
}

/** Memory of a process, in MB (10⁶ bytes). */
export interface Memory {
  /** All pages that are in memory, also those that other processes of Deno have. */
  readonly rss: number;
  /** The same with shared pages divided by the number of processes that have them. */
  readonly pss: number;
  /** Its own pages: heaps and stacks. */
  readonly anonymous: number;
}

/** The memory of a process now. */
export function memory(pid: number): Memory {
  return memoryOf(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`));
}

/**
 * The same from the text of `/proc/PID/smaps_rollup`.
 *
 * @throws {RangeError} If it is none.
 */
export function memoryOf(rollup: string): Memory {
  const megabytes = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1];
    if (kibibytes === undefined) throw new RangeError(`No ${name} in /proc/PID/smaps_rollup`);
    return Number(kibibytes) * 1024 / 1e6;
  };
  return { rss: megabytes("Rss"), pss: megabytes("Pss"), anonymous: megabytes("Anonymous") };
}
