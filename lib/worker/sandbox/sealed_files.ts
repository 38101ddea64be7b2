/**
 * Runs in the worker, where it is a sandbox. What the sealed operations have in common: the functions of the
 * C library that they keep, and open files that are recognized by what they are.
 *
 * The sealed operations are safe in anybody's hands, and have to be. A script can replace the built-in
 * functions that other modules rely on, import these modules by their path, and call the operations with
 * whatever it likes. Therefore:
 *  - They take no descriptor, pointer or flag. What they take names an entry of a table that was made before
 *    the script, is converted once, and is compared with what is allowed.
 *  - They call nothing that a script could have replaced: no methods, no globals, no iterators. Memory is
 *    read and written by index, of arrays only where they have an element: what they lack is looked up in
 *    `Array.prototype`.
 *  - The kernel reads and writes only memory that belongs to them.
 *  - A descriptor is used only while it stands for the file it was opened for. Threads of the script can
 *    close numbers at any time (`node:net`), so the seccomp filter refuses that for all numbers that were
 *    open when the script began. The operations show the filter a key.
 *  - No lock outlives a call.
 *
 * @module
 */

import type { Libc } from "../../system/libc.ts";

/** The functions that outlive the permission. */
export const RETAINED_FUNCTIONS = [
  "open",
  "statx",
  "pread",
  "lseek",
  "getdents64",
  "write",
  "poll",
  "fcntl",
  "fcntl_lock",
  "syscall",
  "listen",
  "shutdown",
  "recv",
  "getsockname",
  "getpeername",
  "getsockopt",
  "epoll_ctl",
  "socket",
  "connect",
  "unlink",
  "rmdir",
  "getppid",
  "alarm",
] as const;

/** These, as they are. No other module gets hold of them. */
export type RetainedCalls = Pick<Libc, typeof RETAINED_FUNCTIONS[number]>;

/** Two random numbers of 32 bits, see {@linkcode SealedFiles.replace}. */
export type DescriptorKey = readonly [number, number];

/** What a descriptor stands for: the same for all its duplicates. */
export interface OpenFile {
  readonly inodeLow: number;
  readonly inodeHigh: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The type of the file as in `st_mode`, see {@linkcode FILE_TYPE}. */
  readonly type: number;
}

/** Types of files (inode(7)). */
export const FILE_TYPE = { regular: 0o100000, socket: 0o140000 } as const;

/** Recognizes open files, and replaces them. */
export interface SealedFiles {
  /** What a descriptor stands for; null: it is not open. */
  readonly identify: (fd: number) => OpenFile | null;
  /** What a path leads to, if its last part is no link; `path` belongs to the caller and ends in zero. */
  readonly identifyPath: (path: Uint8Array<ArrayBuffer>) => OpenFile | null;
  /** True if a descriptor stands for a file. */
  readonly is: (fd: number, file: OpenFile | null) => boolean;
  /** True if both are the same file. */
  readonly same: (one: OpenFile | null, other: OpenFile | null) => boolean;
  /** Puts what `from` stands for under the number `to` as well, closed on exec (dup3(2)). */
  readonly replace: (from: number, to: number) => boolean;
  /** Closes a number that was opened after the script had begun. */
  readonly close: (fd: number) => void;
  /** The size of a file or directory; 0: it cannot be told. */
  readonly sizeOf: (fd: number) => number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_TYPE_AND_INODE = 0x1 | 0x100;
const STATX_SIZE = 0x200;
/** `struct statx` (statx(2)), and where its parts are in 32-bit cells. */
const STATX_BYTES = 256;
const [MODE_AT, INODE_AT, SIZE_AT, DEVICE_AT] = [28 / 4, 32 / 4, 40 / 4, 136 / 4];
const TYPE_BITS = 0o170000;
const CLOSED_ON_EXEC = 0o2000000n;
/** Numbers of system calls. */
const [SYS_CLOSE, SYS_DUP3] = Deno.build.arch === "aarch64" ? [57n, 24n] : [3n, 292n];

/** A script may replace these, and has no hold of the ones here. */
const toNumber = Number;
const toBigInt = BigInt;
const { freeze } = Object;

/** Makes the functions. The key is what the seccomp filter asks for. */
export function sealedFiles(
  c: Pick<RetainedCalls, "statx" | "syscall">,
  [first, second]: DescriptorKey,
): SealedFiles {
  // Not plain numbers, which a heap snapshot could show.
  const key = new Uint32Array([first, second]);
  const memory = new ArrayBuffer(STATX_BYTES);
  const buffer = new Uint8Array(memory);
  const cells = new Int32Array(memory);
  const empty = new Uint8Array(1);

  function look(
    fd: number,
    path: Uint8Array<ArrayBuffer>,
    flags: number,
  ): OpenFile | null {
    if (c.statx(fd, path, flags, STATX_TYPE_AND_INODE, buffer) !== 0) return null;
    return freeze({
      inodeLow: cells[INODE_AT] ?? 0,
      inodeHigh: cells[INODE_AT + 1] ?? 0,
      deviceMajor: cells[DEVICE_AT] ?? 0,
      deviceMinor: cells[DEVICE_AT + 1] ?? 0,
      type: (cells[MODE_AT] ?? 0) & TYPE_BITS,
    });
  }

  function identify(fd: number): OpenFile | null {
    return fd < 0 ? null : look(fd, empty, AT_EMPTY_PATH);
  }

  function same(one: OpenFile | null, other: OpenFile | null): boolean {
    return one !== null && other !== null && one.inodeLow === other.inodeLow &&
      one.inodeHigh === other.inodeHigh && one.deviceMajor === other.deviceMajor &&
      one.deviceMinor === other.deviceMinor && one.type === other.type;
  }

  return {
    identify,
    identifyPath: (path) => look(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW),
    is: (fd, file) => same(identify(fd), file),
    same,
    replace: (from, to) =>
      toNumber(
        c.syscall(
          SYS_DUP3,
          toBigInt(from),
          toBigInt(to),
          CLOSED_ON_EXEC,
          0n,
          toBigInt(key[0] ?? 0),
          toBigInt(key[1] ?? 0),
        ),
      ) === to,
    sizeOf: (fd) =>
      c.statx(fd, empty, AT_EMPTY_PATH, STATX_SIZE, buffer) === 0 ? cells[SIZE_AT] ?? 0 : 0,
    close: (fd) => void c.syscall(SYS_CLOSE, toBigInt(fd), 0n, 0n, 0n, 0n, 0n),
  };
}

/** A number that stays the same whenever it is looked at; the callers' may be anything. */
export function whole(given: unknown): number {
  return (given as number) | 0;
}
