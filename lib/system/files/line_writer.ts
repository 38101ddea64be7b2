/**
 * Writes whole lines to stderr, which all processes of an instance share, so that no line lands in the
 * middle of another one.
 *
 * A regular file needs nothing for that: one write(2) is one piece. On a pipe or a terminal only short
 * writes are (pipe(7), PIPE_BUF), so there each write holds a record lock on a file that all processes
 * share; the kernel releases it when its holder dies (fcntl(2), F_SETLK). A holder that was stopped in
 * the middle of a line keeps the lock, so nobody waits for ever for a lock that is held
 * although the file could be written to: the line is written without it then, which only cuts lines that are
 * longer than PIPE_BUF. While the file takes nothing, everybody has to wait for its reader.
 *
 * @module
 */

import { socketInode } from "../descriptor.ts";
import { ERRNO, lastErrno, type Libc } from "../libc.ts";

const F_SETLK = 6;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** `struct flock` on 64-bit Linux: type, whence, start, length, pid. */
const FLOCK_SIZE = 32;
/** How often the lock is tried in a row, before it is tried once per millisecond. */
const LOCK_TRIES = 200;
/** After a line that waited in vain, lines do not wait for this long (1 s). */
const LOCK_REST_MS = 1_000;
const POLLFD_BYTES = 8;
const POLLOUT = 4;
/** How long a line of the master waits for a lock that nobody uses: the master serves all others (50 ms). */
export const MASTER_LOCK_WAIT_MS = 50;

/** Writes one text with a newline at its end; false: not all of it could be written. */
export type LineWriter = (text: string) => boolean;

/** What lines are written to, and how. */
export interface LineWriterOptions {
  /** The descriptor that stands for the file. @default 2 */
  readonly fd?: number;
  /** Another function for write(2). @default that of the C library */
  readonly write?: Libc["write"];
  /** How long a line waits for a lock that nobody uses, in milliseconds. @default 2000 */
  readonly lockWaitMs?: number;
}

/**
 * A writer for stderr, or for another file.
 *
 * @param c The C library; null: there is nothing to lock with, and only stdout and stderr can be had.
 * @param lockFd A file that all writers share (the scoreboard's memory), or null.
 */
export function stderrLines(
  c: Libc | null,
  lockFd: number | null,
  { fd = 2, write: own, lockWaitMs = 2_000 }: LineWriterOptions = {},
): LineWriter {
  const write = c === null
    ? writeToDeno(fd === 1 ? "stdout" : "stderr")
    : writeTo(c, fd, own ?? c.write);
  const locked = c !== null && lockFd !== null && !isRegularFile(c, fd);
  const lock = locked ? new LineLock(c, lockFd, fd, lockWaitMs) : null;
  return lineWriter((bytes, length) => {
    const held = lock?.acquire() === true;
    try {
      return writeAll(write, bytes, length);
    } finally {
      if (held) lock?.release();
    }
  });
}

/**
 * Makes a writer of a function that writes bytes.
 *
 * @param write Writes the first `length` bytes, and returns how many of them could be written.
 */
export function lineWriter(
  write: (bytes: Uint8Array<ArrayBuffer>, length: number) => number,
): LineWriter {
  const encoder = new LineEncoder();
  let torn = false;
  return (text) => {
    // A disk that became full in the middle of a line: the next one begins on a line of its own.
    const length = encoder.encode(torn ? "\n" + text : text);
    const written = write(encoder.bytes, length);
    if (written > 0) torn = written < length;
    return written === length;
  };
}

/**
 * Writes several lines at once with a writer of this descriptor. On a socket, as `logto` may make one of
 * standard error, each line is a datagram of its own.
 *
 * @returns Takes lines in order, and returns how many of them could not be written.
 */
export function severalLines(
  c: Libc | null,
  fd: number,
  write: LineWriter,
): (lines: readonly string[]) => number {
  if (c !== null && socketInode(c, fd) !== null) {
    return (lines) => lines.filter((line) => !write(line)).length;
  }
  return (lines) => lines.length === 0 || write(lines.join("\n")) ? 0 : lines.length;
}

/**
 * Writes a line where nobody else's lines have to be kept apart from it. Unlike `console`, it drops
 * what cannot be written, because the disk is full or nobody reads any more, instead of throwing.
 */
export function printLine(stream: "stdout" | "stderr", text: string): void {
  const bytes = new TextEncoder().encode(text + "\n");
  writeAll(writeToDeno(stream), bytes, bytes.length);
}

const AT_EMPTY_PATH = 0x1000;
const STATX_TYPE = 1;
const STATX_BYTES = 256;
/** Where `stx_mode` is in `struct statx` (statx(2)). */
const MODE_AT = 28;
const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;

/** True if the kernel says so: a FIFO has a path as well. */
function isRegularFile(c: Libc, fd: number): boolean {
  const bytes = new Uint8Array(STATX_BYTES);
  if (c.statx(fd, new Uint8Array(1), AT_EMPTY_PATH, STATX_TYPE, bytes) !== 0) return false;
  return (new DataView(bytes.buffer).getUint16(MODE_AT, true) & TYPE_BITS) === REGULAR;
}

/** The record lock that a line is written under, tried for a limited time. */
class LineLock {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #waitMs: number;
  /** `struct pollfd` of the file that is written to. */
  readonly #polled = new Uint8Array(POLLFD_BYTES);
  readonly #flock = new Uint8Array(FLOCK_SIZE);
  /** Until then no line waits. */
  #restUntil = -Infinity;

  constructor(c: Libc, fd: number, file: number, waitMs: number) {
    this.#libc = c;
    this.#fd = fd;
    this.#waitMs = waitMs;
    const view = new DataView(this.#polled.buffer);
    view.setInt32(0, file, true);
    view.setInt16(4, POLLOUT, true);
  }

  /** True if the lock is held now. */
  acquire(): boolean {
    for (let i = 0; i < LOCK_TRIES; i++) {
      if (this.#set(F_WRLCK)) return true;
    }
    if (performance.now() < this.#restUntil) return false;
    for (let unused = 0; unused < this.#waitMs;) {
      sleep(1);
      if (this.#set(F_WRLCK)) return true;
      if (this.#isWritable()) unused++;
    }
    this.#restUntil = performance.now() + LOCK_REST_MS;
    return false;
  }

  release(): void {
    this.#set(F_UNLCK);
  }

  #isWritable(): boolean {
    return this.#libc.poll(this.#polled, 1n, 0) !== 0;
  }

  #set(type: number): boolean {
    this.#flock[0] = type;
    return this.#libc.fcntl_lock(this.#fd, F_SETLK, this.#flock) === 0;
  }
}

/** Stops this thread for `ms` milliseconds. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Up to this length, lines are encoded in the same memory again and again: some pages of a batch. */
const SHORT_LINE = 32_768;
/** The most bytes that a character of a string takes in UTF-8. */
const CHARACTER_BYTES = 3;
const NEWLINE = 0x0a;

/** Encodes one line at a time: making memory for each takes longer than to write it. */
class LineEncoder {
  readonly #encoder = new TextEncoder();
  readonly #memory = new Uint8Array(SHORT_LINE * CHARACTER_BYTES + 1);
  /** Begins with the line that was encoded last. */
  bytes: Uint8Array<ArrayBuffer> = this.#memory;

  /** Returns the number of bytes, with a newline at the end. */
  encode(line: string): number {
    if (line.length > SHORT_LINE) {
      this.bytes = this.#encoder.encode(line.endsWith("\n") ? line : line + "\n");
      return this.bytes.length;
    }
    const bytes = this.bytes = this.#memory;
    const { written } = this.#encoder.encodeInto(line, bytes);
    if (bytes[written - 1] === NEWLINE) return written;
    // Here, because a longer text would have to be put together first.
    bytes[written] = NEWLINE;
    return written + 1;
  }
}

/**
 * Writes what it can of the first `length` bytes: the number of bytes, 0 when it has to wait, null when
 * nobody reads any more.
 */
type Write = (bytes: Uint8Array<ArrayBuffer>, length: number) => number | null;

function writeTo(c: Libc, fd: number, write: Libc["write"]): Write {
  return (bytes, count) => {
    const length = Number(write(fd, bytes, BigInt(count)));
    if (length >= 0) return length;
    const errno = lastErrno(c);
    return errno === ERRNO.EAGAIN || errno === ERRNO.EINTR ? 0 : null;
  };
}

function writeToDeno(stream: "stdout" | "stderr"): Write {
  return (bytes, length) => {
    try {
      return Deno[stream].writeSync(bytes.subarray(0, length));
    } catch (error) {
      return error instanceof Deno.errors.WouldBlock ? 0 : null;
    }
  };
}

/** Returns how many bytes could be written. */
function writeAll(write: Write, bytes: Uint8Array<ArrayBuffer>, length: number): number {
  let rest = bytes;
  let left = length;
  while (left > 0) {
    const written = write(rest, left);
    if (written === null) break;
    // Somebody made the terminal non-blocking and it is full: wait a millisecond for its reader.
    if (written === 0) sleep(1);
    left -= written;
    if (left > 0) rest = rest.subarray(written);
  }
  return length - left;
}
