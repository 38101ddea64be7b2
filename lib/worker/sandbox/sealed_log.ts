/**
 * Runs in the worker, where it is a sandbox. The operations on the log: write a line, take standard error,
 * continue in a new file. See `sealed_files.ts` for how they are written.
 *
 * @module
 */

import {
  FILE_TYPE,
  type OpenFile,
  type RetainedCalls,
  type SealedFiles,
  whole,
} from "./sealed_files.ts";

/** What was arranged before the script. */
export interface SealedLogSetup {
  readonly files: SealedFiles;
  /** Descriptor of the log. */
  readonly log: number;
  /** Other descriptors that stand for the log, such as standard output and what Deno keeps of it. */
  readonly duplicates: readonly number[];
  /** The path of the log, ending in zero; null: it is no file, and is not opened again. */
  readonly path: Uint8Array<ArrayBuffer> | null;
  /** A descriptor whose number is guarded, where a new file is looked at before it is the log. */
  readonly staging: number;
  /** What the staging descriptor stands for at other times. */
  readonly quiet: number;
  /** The shared memory's descriptor, on which lines are locked. */
  readonly memory: number;
}

/** The operations. */
export interface SealedLog {
  /** Writes the first `length` bytes as one piece to one of {@linkcode TARGETS}; returns how many it wrote. */
  readonly write: (target: unknown, bytes: unknown, length: unknown) => number;
  /** Standard error becomes the log. */
  readonly takeStderr: () => void;
  /** Continues in the file that has the log's path now; false: there is none, and nothing has changed. */
  readonly reopen: () => boolean;
}

/** What {@linkcode SealedLog.write} can write to. */
export const TARGETS = { log: 0, stdout: 1, stderr: 2 } as const;

const [STDOUT, STDERR] = [1, 2];
const [F_SETLK, F_WRLCK, F_UNLCK] = [6, 1, 2];
/** `struct flock` on 64-bit Linux, all zero but the type: the whole file. */
const FLOCK_BYTES = 32;
/** How often the lock is tried, in a row and then once per millisecond. */
const [LOCK_TRIES, LOCK_WAITS] = [200, 2_000];
/** How often the reader of the log is waited for, 100 ms each (10 s in all). */
const READER_WAITS = 100;
const READER_WAIT_MS = 100;
const POLLOUT = 4;
const POLL_BYTES = 8;
const MOST_BYTES = 1 << 26;
/** `O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW`: a FIFO in the log's place keeps nobody. */
const APPENDING = 1 | 0o2000 | 0o2000000 | 0o4000 |
  (Deno.build.arch === "aarch64" ? 0o100000 : 0o400000);
const EAGAIN = 11;
const EINTR = 4;

/** A script may replace these, and has no hold of the ones here. */
const toNumber = Number;
const toBigInt = BigInt;
const Bytes = Uint8Array;
const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const prototypeOfArrays = getPrototypeOf(Uint8Array.prototype) as object;
const byteLengthOf = getOwnPropertyDescriptor(prototypeOfArrays, "byteLength")?.get as () => number;
const kindOf = getOwnPropertyDescriptor(prototypeOfArrays, Symbol.toStringTag)?.get as () =>
  | string
  | undefined;

/** Makes the operations; `errno` is the memory of errno(3). */
export function sealedLog(
  c: Pick<RetainedCalls, "write" | "poll" | "fcntl_lock" | "open">,
  errno: Int32Array<ArrayBuffer>,
  { files, log, duplicates, path, staging, quiet, memory }: SealedLogSetup,
): SealedLog {
  const flock = new Uint8Array(FLOCK_BYTES);
  const nobody = new Uint8Array(POLL_BYTES);
  const writable = new Uint8Array(POLL_BYTES);
  const duplicateCount = duplicates.length;
  const none = 0n;
  const one = 1n;
  let logFile = files.identify(log);
  let stdoutFile = files.identify(STDOUT);
  let stderrFile = files.identify(STDERR);
  /** False: the lock was not to be had, and is tried without waiting until it is. */
  let waits = true;

  function setLock(type: number): boolean {
    flock[0] = type;
    return c.fcntl_lock(memory, F_SETLK, flock) === 0;
  }

  function lock(fd: number): boolean {
    for (let i = 0; i < LOCK_TRIES; i++) {
      if (setLock(F_WRLCK)) return waits = true;
    }
    // A lock that is held although the log could be written to is one that nobody uses.
    for (let unused = 0; waits && unused < LOCK_WAITS;) {
      c.poll(nobody, none, 1);
      if (setLock(F_WRLCK)) return true;
      if (isWritable(fd, 0)) unused++;
    }
    return waits = false;
  }

  /** True if a descriptor can be written to, or cannot be waited for. */
  function isWritable(fd: number, waitMs: number): boolean {
    for (let i = 0; i < POLL_BYTES; i++) writable[i] = i < 4 ? (fd >> (8 * i)) & 0xff : 0;
    writable[4] = POLLOUT;
    return c.poll(writable, one, waitMs) !== 0;
  }

  /** Copies what is written: a caller's memory may be shared with threads that change it. */
  function copyOf(
    bytes: Record<number, number>,
    from: number,
    to: number,
  ): Uint8Array<ArrayBuffer> {
    const copy = new Bytes(to - from);
    for (let i = from; i < to; i++) copy[i - from] = bytes[i] ?? 0;
    return copy;
  }

  function writeAll(
    fd: number,
    file: OpenFile | null,
    bytes: Uint8Array<ArrayBuffer>,
    length: number,
  ): number {
    let written = 0;
    let rest = bytes;
    for (let tries = 0; written < length && tries < READER_WAITS;) {
      if (!files.is(fd, file)) break;
      const count = toNumber(c.write(fd, rest, toBigInt(length - written)));
      if (count > 0) {
        written += count;
        if (written < length) rest = copyOf(bytes as Record<number, number>, written, length);
        continue;
      }
      const error = errno[0] ?? 0;
      if (count < 0 && error !== EAGAIN && error !== EINTR) break;
      tries++;
      isWritable(fd, READER_WAIT_MS);
    }
    return written;
  }

  function write(given: unknown, bytes: unknown, asked: unknown): number {
    const target = whole(given);
    const length = whole(asked);
    if (target < TARGETS.log || target > TARGETS.stderr) return 0;
    if (apply(kindOf, bytes, []) !== "Uint8Array") return 0;
    if (length <= 0 || length > MOST_BYTES || length > apply(byteLengthOf, bytes, [])) return 0;
    const fd = target === TARGETS.log ? log : target;
    const file = target === TARGETS.log ? logFile : target === STDOUT ? stdoutFile : stderrFile;
    if (file === null || !files.is(fd, file)) return 0;
    // A regular file takes one write as one piece.
    const held = file.type !== FILE_TYPE.regular && lock(fd);
    const written = writeAll(fd, file, bytes as Uint8Array<ArrayBuffer>, length);
    if (held) setLock(F_UNLCK);
    return written;
  }

  function reopen(): boolean {
    if (path === null || logFile === null || !files.is(log, logFile)) return false;
    const opened = c.open(path, APPENDING);
    if (opened < 0) return false;
    // The new number may stand for something else by now: what counts is what the guarded one stands for.
    const staged = files.replace(opened, staging);
    files.close(opened);
    const file = staged ? files.identify(staging) : null;
    const isLog = file !== null && file.type === FILE_TYPE.regular &&
      files.same(file, files.identifyPath(path));
    if (isLog) {
      const before = logFile;
      if (files.replace(staging, log)) logFile = file;
      if (files.is(STDERR, before) && files.replace(staging, STDERR)) stderrFile = file;
      for (let i = 0; i < duplicateCount; i++) {
        const fd = duplicates[i] ?? staging;
        if (!files.is(fd, before) || !files.replace(staging, fd)) continue;
        if (fd === STDOUT) stdoutFile = file;
      }
    }
    files.replace(quiet, staging);
    return isLog;
  }

  return {
    write,
    takeStderr: () => {
      if (files.is(log, logFile) && files.replace(log, STDERR)) stderrFile = logFile;
    },
    reopen,
  };
}
