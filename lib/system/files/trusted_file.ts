/**
 * Files that this process writes to and reads from at paths of the configuration, where other users may
 * be able to put something else: see `trusted_path.ts`.
 *
 * @module
 */

import { setBlocking } from "../descriptor.ts";
import { descriptorStatus, type FileStatus } from "./file_status.ts";
import { check, ERRNO, lastErrno, type Libc, SystemCallError, systemCallError } from "../libc.ts";
import {
  isRoot,
  isTrusted,
  openPlace,
  refuseLink,
  TrustedName,
  UnsafePathError,
} from "./trusted_path.ts";

const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_APPEND = 0o2000;
/** Opening a FIFO does not wait for the other side. */
const O_NONBLOCK = 0o4000;

/** How often a file is looked for and created in turn while somebody else makes and removes it. */
const ATTEMPTS = 8;
/** What the umask takes from is 0640: others have no business in a log. */
const LOG_MODE = 0o640;
/** Everybody may read a file that is replaced as a whole, such as a pidfile. */
const TEXT_MODE = 0o644;

/** A file that was opened to write to its end. */
export interface AppendedFile {
  readonly fd: number;
  /** What it was when it was opened. */
  readonly status: FileStatus;
  /**
   * True if root may make it somebody else's. A file of root's that is not empty has to lie where no
   * other user could have moved it to.
   */
  readonly mayGive: boolean;
}

/** What is written to. */
export interface AppendRules {
  /** Users beside root whose files these may be, and whose directories; null: anybody's. */
  readonly owners?: readonly number[] | null;
  /** Mode of a new file, less the umask. @default 0o640 */
  readonly mode?: number;
}

/**
 * Opens a file to write to its end, and creates it if need be: a regular file, a FIFO that somebody
 * reads, or a character device such as a terminal.
 *
 * As root: one with a single name, which belongs to root or one of `owners`.
 *
 * @throws {UnsafePathError} If it is something else, or the path cannot be trusted.
 * @throws {SystemCallError} If it cannot be opened.
 */
export function openToAppend(c: Libc, path: string, rules: AppendRules = {}): AppendedFile {
  const { owners = null, mode = LOG_MODE } = rules;
  using place = openPlace(c, path, { owners });
  const { fd, created } = openOrCreate(c, place, O_WRONLY | O_APPEND, mode);
  return closedOnFailure(c, fd, () => {
    const status = judged(c, fd, place, owners);
    setBlocking(c, fd);
    const isFile = status.type === "regular" || status.type === "fifo";
    const isEmpty = created || (status.type === "regular" && status.size === 0);
    const isGivable = isTrusted(c, status.uid)
      ? isEmpty || place.isExclusive
      : owners === null || owners.includes(status.uid);
    return { fd, status, mayGive: isFile && status.links === 1 && isGivable };
  });
}

/**
 * Opens a file for writing, which is created or emptied.
 *
 * @throws {UnsafePathError} If root should not write to it, see {@linkcode openToAppend}.
 * @throws {SystemCallError} If it cannot be opened.
 */
export function openEmptied(c: Libc, path: string, mode: number): number {
  using place = openPlace(c, path);
  const { fd } = openOrCreate(c, place, O_WRONLY, mode);
  return closedOnFailure(c, fd, () => {
    const { size } = judged(c, fd, place, null);
    // Files of /proc and /sys are always empty, and refuse it.
    if (size > 0) check(c, "truncate", c.ftruncate(fd, 0n));
    setBlocking(c, fd);
    return fd;
  });
}

/**
 * Writes all of a text.
 *
 * @throws {SystemCallError} If not all of it can be written.
 */
export function writeText(c: Libc, fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const written = Number(c.write(fd, rest, BigInt(rest.length)));
    if (written < 0 && lastErrno(c) === ERRNO.EINTR) continue;
    at += check(c, "write", written);
  }
}

/**
 * Has a file hold this text: whoever reads it sees the old content or the new one. Whatever was at the
 * path is replaced, a link too.
 *
 * @param unfinished Name of the file while it is written; what is there is removed.
 * @throws {UnsafePathError} If the path cannot be trusted.
 * @throws {SystemCallError} If it cannot be written.
 */
export function replaceText(c: Libc, path: string, text: string, unfinished: string): void {
  using place = openPlace(c, path, { follow: false });
  const temporary = place.sibling(unfinished);
  try {
    if (temporary.status() !== null) temporary.remove();
    const fd = check(c, "open", temporary.tryOpen(O_WRONLY | O_CREAT | O_EXCL, TEXT_MODE));
    try {
      writeText(c, fd, text);
    } finally {
      c.close(fd);
    }
    temporary.renameTo(place);
  } catch (error) {
    if (temporary.status()?.type === "regular") temporary.remove();
    throw error;
  }
}

/** A small file that was read. */
export interface ReadFile {
  readonly text: string;
  readonly status: FileStatus;
  /** True if nobody but root and this user can put anything into its directory. */
  readonly isExclusive: boolean;
}

/**
 * Reads a regular file, up to `limit` bytes; null: there is none.
 *
 * @param follow Whether a link in the last place is followed.
 * @throws {UnsafePathError} If it is something else, which could be without end or make the reader wait.
 * @throws {SystemCallError} If it cannot be read.
 */
export function readSmallFile(
  c: Libc,
  path: string,
  limit: number,
  follow: boolean,
): ReadFile | null {
  let place: TrustedName;
  try {
    place = openPlace(c, path, { follow });
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ERRNO.ENOENT) return null;
    throw error;
  }
  using directory = place;
  const fd = place.tryOpen(O_RDONLY | O_NONBLOCK);
  if (fd < 0) {
    const errno = lastErrno(c);
    if (errno === ERRNO.ENOENT) return null;
    if (errno === ERRNO.ELOOP) throw new UnsafePathError(`"${path}" is a symbolic link`);
    throw systemCallError(c, "open", errno);
  }
  try {
    const status = descriptorStatus(c, fd);
    if (status?.type !== "regular") throw new UnsafePathError(`"${path}" is no regular file`);
    const buffer = new Uint8Array(limit);
    const length = check(c, "read", Number(c.read(fd, buffer, BigInt(limit))));
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    return { text, status, isExclusive: directory.isExclusive };
  } finally {
    c.close(fd);
  }
}

/**
 * Opens a file, and creates it only where it is missing: in a sticky directory that others may write to,
 * the kernel refuses O_CREAT for a file that is there and belongs to another user, even to root
 * (`fs.protected_regular` and `fs.protected_fifos` in proc_sys_fs(5)).
 */
function openOrCreate(
  c: Libc,
  place: TrustedName,
  flags: number,
  mode: number,
): { readonly fd: number; readonly created: boolean } {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = place.tryOpen(flags | O_NONBLOCK);
    if (found >= 0) return { fd: found, created: false };
    const errno = lastErrno(c);
    if (errno === ERRNO.ELOOP) {
      throw new UnsafePathError(`"${place.path}" became a symbolic link meanwhile`);
    }
    if (errno === ERRNO.ENXIO) {
      throw new UnsafePathError(`"${place.path}" is a FIFO that nobody reads, or a socket`);
    }
    if (errno !== ERRNO.ENOENT) throw systemCallError(c, "open", errno);
    const fd = place.tryOpen(flags | O_CREAT | O_EXCL, mode);
    if (fd >= 0) return { fd, created: true };
    if (lastErrno(c) !== ERRNO.EEXIST) throw systemCallError(c, "open", lastErrno(c));
  }
  throw new UnsafePathError(`"${place.path}" is made and removed again all the time by somebody`);
}

function closedOnFailure<T>(c: Libc, fd: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** The status of a file that may be written to. */
function judged(
  c: Libc,
  fd: number,
  { path, isOpenFile }: TrustedName,
  owners: readonly number[] | null,
): FileStatus {
  const status = descriptorStatus(c, fd);
  if (status === null) throw systemCallError(c, "stat", lastErrno(c));
  const { type, uid } = status;
  if (type !== "regular" && type !== "fifo" && type !== "character") {
    throw new UnsafePathError(`"${path}" is neither a regular file nor a FIFO nor a terminal`);
  }
  // Whoever started this process has opened it.
  if (isOpenFile || type === "character") return status;
  refuseLink(c, status, path);
  if (owners === null || !isRoot(c) || isTrusted(c, uid) || owners.includes(uid)) return status;
  throw new UnsafePathError(
    `"${path}" belongs to user ${uid}, who is neither root nor the user of uid: remove it`,
  );
}
