/**
 * File descriptors by number: who inherits them, which file they are, which of them are there. /proc is
 * read through the C library, because Deno gives it only to programs that may do everything.
 *
 * @module
 */

import { check, cString, ERRNO, lastErrno, type Libc, SystemCallError } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
/** `O_CLOEXEC` of `open(2)`, as `dup3(2)` takes it. */
export const O_CLOEXEC = 0o2000000;
const O_WRONLY = 1;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;

/** Says whether children inherit the descriptor (fcntl(2), FD_CLOEXEC). */
export function setInherited(c: Libc, fd: number, inherited: boolean): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFD, 0));
  const wanted = inherited ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
  check(c, "fcntl", c.fcntl(fd, F_SETFD, wanted));
}

/** Calls `spawn` while children inherit these descriptors; at all other times they do not. */
export function lendDescriptors<T>(c: Libc | null, fds: readonly number[], spawn: () => T): T {
  if (c === null) return spawn();
  for (const fd of fds) setInherited(c, fd, true);
  try {
    return spawn();
  } finally {
    for (const fd of fds) setInherited(c, fd, false);
  }
}

/** Makes reads, writes and accepts on the descriptor return instead of waiting (O_NONBLOCK). */
export function setNonblocking(c: Libc, fd: number): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFL, 0));
  check(c, "fcntl", c.fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/** Makes reads, writes and accepts on the descriptor wait again. */
export function setBlocking(c: Libc, fd: number): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFL, 0));
  check(c, "fcntl", c.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

/** A second descriptor of the same open file, numbered 3 or above and not inherited by children. */
export function duplicate(c: Libc, fd: number): number {
  return check(c, "fcntl", c.fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

/** The numbers of this process's open descriptors (proc(5), /proc/self/fd). */
export function openDescriptors(c: Libc): number[] {
  const directory = c.open(cString(OWN_DESCRIPTORS), O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) return numbersAt(c, directory).filter((fd) => fd !== directory);
  return lastErrno(c) === ERRNO.EMFILE ? allBelowTheLimit(c) : [];
}

const OWN_DESCRIPTORS = "/proc/self/fd";

/** No number below the limit is free when a descriptor is refused, so the numbers have no gap. */
function allBelowTheLimit(c: Libc): number[] {
  const numbers: number[] = [];
  while (c.fcntl(numbers.length, F_GETFD, 0) >= 0) numbers.push(numbers.length);
  return numbers;
}

const AT_FDCWD = -100;
const STATX_SIZE = 0x200;
/** `struct statx`, and where the size stands in it (statx(2)). */
const STATX_BYTES = 256;
const SIZE_OFFSET = 40;

/**
 * How many descriptors this process has open: one system call, because the size of /proc/self/fd is their
 * number (Linux 6.2 and later). Before that they are counted.
 */
export function descriptorCount(c: Libc): number {
  const found = new Uint8Array(STATX_BYTES);
  if (c.statx(AT_FDCWD, cString(OWN_DESCRIPTORS), 0, STATX_SIZE, found) === 0) {
    const size = Number(new DataView(found.buffer).getBigUint64(SIZE_OFFSET, true));
    if (size > 0) return size;
  }
  return openDescriptors(c).length;
}

/** How many descriptors this process may have open (proc(5), /proc/self/limits); null: not known. */
export function descriptorLimit(c: Libc): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(kernelText(c, "/proc/self/limits"))?.[1];
  return soft === undefined ? null : Number(soft);
}

/**
 * The numbers among the names in a directory of /proc: descriptors, threads, processes. Empty when
 * it cannot be read.
 */
export function numbersIn(c: Libc, path: string): number[] {
  const directory = c.open(cString(path), O_DIRECTORY | O_CLOEXEC);
  return directory < 0 ? [] : numbersAt(c, directory);
}

/** The numbers in an open directory, which is closed then. */
function numbersAt(c: Libc, directory: number): number[] {
  const numbers: number[] = [];
  const buffer = new Uint8Array(16_384);
  while (true) {
    const length = Number(c.getdents64(directory, buffer, BigInt(buffer.length)));
    if (length <= 0) break;
    for (const name of entryNames(buffer.subarray(0, length))) {
      const number = Number(name);
      if (Number.isInteger(number)) numbers.push(number);
    }
  }
  c.close(directory);
  return numbers;
}

/** `struct linux_dirent64` of getdents64(2): where its length and its name stand. */
const RECORD_LENGTH_OFFSET = 16;
const NAME_OFFSET = 19;

function* entryNames(records: Uint8Array): Generator<string> {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at < records.length; at += view.getUint16(at + RECORD_LENGTH_OFFSET, true)) {
    const start = at + NAME_OFFSET;
    yield decoder.decode(records.subarray(start, records.indexOf(0, start)));
  }
}

const decoder = new TextDecoder();

/** What a descriptor stands for, for example `socket:[1452]`; null when it is not open. */
export function descriptorTarget(c: Libc, fd: number): string | null {
  const buffer = new Uint8Array(4096);
  const path = cString(`/proc/self/fd/${fd}`);
  const length = Number(c.readlink(path, buffer, BigInt(buffer.length)));
  return length < 0 ? null : decoder.decode(buffer.subarray(0, length));
}

/** The inode of a socket's descriptor: the same for every duplicate of it. Null for other files. */
export function socketInode(c: Libc, fd: number): number | null {
  const match = /^socket:\[(\d+)\]$/.exec(descriptorTarget(c, fd) ?? "");
  return match ? Number(match[1]) : null;
}

/** What the kernel tells of a descriptor (proc(5), /proc/self/fdinfo); empty when it is not open. */
export function descriptorInfo(c: Libc, fd: number): string {
  return kernelText(c, `/proc/self/fdinfo/${fd}`);
}

/** A new one for each file would be half a megabyte for all descriptors of a process. */
const textBuffer = new Uint8Array(16_384);

/** The text of a file in /proc; empty when it cannot be read. */
export function kernelText(c: Libc, path: string): string {
  const file = c.open(cString(path), O_CLOEXEC);
  if (file < 0) return "";
  const buffer = textBuffer;
  let text = "";
  while (true) {
    const length = Number(c.read(file, buffer, BigInt(buffer.length)));
    if (length <= 0) break;
    text += decoder.decode(buffer.subarray(0, length));
  }
  c.close(file);
  return text;
}

/** Descriptors that do not stand for a file of their own. */
const SHARED_TARGET = "/dev/null";

const STDIN = 0;
/** What a log file is opened with. */
const APPENDING = O_WRONLY | O_APPEND | O_CLOEXEC;

/** The inode of a descriptor (proc(5), fdinfo); null: the kernel does not tell, before Linux 5.14. */
function inodeOf(c: Libc, fd: number): number | null {
  const [, digits] = /^ino:\s*(\d+)/m.exec(descriptorInfo(c, fd)) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Has every write on the descriptor go to the end of its file (O_APPEND). */
export function setAppending(c: Libc, fd: number): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFL, 0));
  check(c, "fcntl", c.fcntl(fd, F_SETFL, flags | O_APPEND));
}

/**
 * Opens a file for appending and puts it in the place of `fd` and of all its duplicates, such as Deno
 * keeps of standard output and error: a write goes either to the old file or to the new one, and
 * none is cut in two (dup2(2)).
 *
 * @param inode Number of the file that is meant, where somebody else may have put another one at the
 * path; null: whatever is there. @default null
 * @throws {SystemCallError} If the file cannot be opened; nothing has changed then.
 * @throws {TypeError} If it is another one.
 */
export function replaceFile(
  c: Libc,
  fd: number,
  path: string,
  inode: number | null = null,
): void {
  const file = check(c, "open", c.open(cString(path), APPENDING));
  if (inode === null || inode === (inodeOf(c, file) ?? inode)) return putInPlace(c, file, fd);
  c.close(file);
  throw new TypeError("the path leads to another file than the master has opened");
}

/** Puts an open file in the place of `fd` and of all its duplicates but `keep`, and closes `file`. */
export function putInPlace(c: Libc, file: number, fd: number, keep = -1): void {
  const before = descriptorTarget(c, fd);
  const duplicates = before === SHARED_TARGET
    ? [fd]
    : openDescriptors(c).filter((one) => descriptorTarget(c, one) === before);
  for (const one of duplicates) {
    // A terminal is standard input as well, and stays that.
    if (one === STDIN || one === keep || one === file) continue;
    const closed = check(c, "fcntl", c.fcntl(one, F_GETFD, 0)) & FD_CLOEXEC;
    check(c, "dup3", c.dup3(file, one, closed ? O_CLOEXEC : 0));
  }
  c.close(file);
}

/** See errno(3): the numbers are the same on every Linux that Deno runs on. */
const SHORTAGES = { ENOMEM: 12, ENFILE: 23, EMFILE: 24, ENOBUFS: 105 } as const;

/** How Deno ends the message of a failed system call that has no error class of its own. */
const OS_ERROR = /\(os error (\d{1,4})\)/;

/**
 * True if an error says that there are no descriptors (EMFILE, ENFILE) or no memory (ENOMEM, ENOBUFS) for
 * what was tried, see accept(2). A connection whose client has gone is none of these.
 */
export function isShortage(error: unknown): boolean {
  return isOneOf(SHORTAGES, error);
}

/**
 * What accept(2) reports of the one connection that it took off the queue: the network errors that were
 * pending on it, and what a reset client leaves behind (ENOTCONN, from asking for its address).
 */
const OF_ONE_CONNECTION = {
  EPROTO: 71,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  ENONET: 64,
} as const;

/** Deno's error classes for some of them; an error of these has no number in its message. */
const CLASSES_OF_ONE_CONNECTION: ReadonlySet<string> = new Set([
  "ConnectionAborted",
  "ConnectionReset",
  "NetworkUnreachable",
  "NotConnected",
  "TimedOut",
]);

/**
 * True if an accept that failed with this error took a connection off the queue, and the next one can be
 * accepted at once. EPERM is none of them: what forbids to accept leaves the connection in the queue.
 */
export function isOfOneConnection(error: unknown): boolean {
  if (error instanceof Error && CLASSES_OF_ONE_CONNECTION.has(error.name)) return true;
  return isOneOf(OF_ONE_CONNECTION, error);
}

function isOneOf(numbers: Readonly<Record<string, number>>, error: unknown): boolean {
  const all = Object.values(numbers);
  if (error instanceof SystemCallError) return all.includes(error.errno);
  if (typeof error !== "object" || error === null) return false;
  const code: unknown = Reflect.get(error, "code");
  if (typeof code === "string" && Object.hasOwn(numbers, code)) return true;
  const number = OS_ERROR.exec(String(Reflect.get(error, "message")))?.[1];
  return number !== undefined && all.includes(Number(number));
}
