/**
 * The memory of another process, from /proc.
 *
 * @module
 */

/** The memory of a process in bytes. */
export interface ProcessMemory {
  /** What is in RAM, shared parts included. */
  readonly rss: number;
  /** Its address space, whether it is used or not. */
  readonly as: number;
}

const KIB = 1024;

/**
 * Reads `/proc/PID/status` (proc_pid_status(5)): `statm` has the same numbers in pages, whose size only a
 * system call would tell.
 *
 * @param read Reads the file. @default As Deno does, which only lets programs do so that may do everything
 * @returns Null if the process is gone, or not to be seen.
 */
export function processMemory(
  pid: number | "self",
  read: (path: string) => string = Deno.readTextFileSync,
): ProcessMemory | null {
  let text: string;
  try {
    text = read(`/proc/${pid}/status`);
  } catch {
    // It may have ended just now.
    return null;
  }
  const as = /^VmSize:\s+(\d+) kB$/m.exec(text);
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(text);
  // A process that is ending has no memory any more.
  if (as === null || rss === null) return null;
  return { rss: Number(rss[1]) * KIB, as: Number(as[1]) * KIB };
}
