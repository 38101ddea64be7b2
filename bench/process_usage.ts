/**
 * Reads from proc(5) what a process uses.
 *
 * @module
 */

/**
 * Processor time of the threads that a process has, so far, in seconds. To the nanosecond: the ticks of
 * `/proc/PID/stat` are 10 ms, and who wakes up when the clock ticks is charged whole ones.
 */
export function cpuSeconds(pid: number): number {
  let sum = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    sum += cpuSecondsOf(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`));
  }
  return sum;
}

/**
 * The same of one thread, from the text of its `schedstat` (Documentation/scheduler/sched-stats.rst).
 *
 * @throws {RangeError} If it is none.
 */
export function cpuSecondsOf(schedstat: string): number {
  const nanoseconds = /^(\d+) \d+ \d+\s*$/.exec(schedstat)?.[1];
  if (nanoseconds === undefined) throw new RangeError(`Not the text of schedstat: ${schedstat}`);
  return Number(nanoseconds) / 1e9;
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
