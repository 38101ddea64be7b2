/**
 * What a file is: of a descriptor, or of a name in a directory that is open (statx(2), whose structure
 * is the same on every architecture).
 *
 * @module
 */

import { cString, type Libc } from "../libc.ts";

/** What a file can be; block devices are `other`. */
export type FileType = "regular" | "directory" | "link" | "fifo" | "socket" | "character" | "other";

/** The facts about a file that decide whether it is safe to use. */
export interface FileStatus {
  readonly type: FileType;
  /** Permission bits, with set-user-id, set-group-id and the sticky bit. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Number of names (hard links). */
  readonly links: number;
  readonly inode: number;
  /** Number of the device, as `Deno.FileInfo` has it. */
  readonly device: number;
  /** In bytes. */
  readonly size: number;
  /** When its content was changed last, in milliseconds since the epoch. */
  readonly modifiedMs: number;
}

const AT_SYMLINK_NOFOLLOW = 0x100;
/** The path is empty, and the descriptor itself is meant. */
export const AT_EMPTY_PATH = 0x1000;
/** `STATX_BASIC_STATS`. */
const BASIC_STATS = 0x7ff;
/** Size of `struct statx`. */
const STATUS_BYTES = 256;

const TYPES: Readonly<Record<number, FileType>> = {
  0o010000: "fifo",
  0o020000: "character",
  0o040000: "directory",
  0o100000: "regular",
  0o120000: "link",
  0o140000: "socket",
};

/** The status of a name in an open directory, without following a link; null: there is none. */
export function statusAt(c: Libc, directory: number, name: string): FileStatus | null {
  return read(c, directory, name, AT_SYMLINK_NOFOLLOW);
}

/** The status of an open descriptor; null: it is not open. */
export function descriptorStatus(c: Libc, fd: number): FileStatus | null {
  return read(c, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

/** True if both are the same file. */
export function isSameFile(
  a: Pick<FileStatus, "inode" | "device">,
  b: Pick<FileStatus, "inode" | "device">,
): boolean {
  return a.inode === b.inode && a.device === b.device;
}

function read(c: Libc, fd: number, name: string, flags: number): FileStatus | null {
  const bytes = new Uint8Array(STATUS_BYTES);
  if (c.statx(fd, cString(name), flags, BASIC_STATS, bytes) !== 0) return null;
  const view = new DataView(bytes.buffer);
  const mode = view.getUint16(28, true);
  return {
    type: TYPES[mode & 0o170000] ?? "other",
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    links: view.getUint32(16, true),
    inode: Number(view.getBigUint64(32, true)),
    device: deviceNumber(view.getUint32(136, true), view.getUint32(140, true)),
    size: Number(view.getBigUint64(40, true)),
    modifiedMs: Number(view.getBigInt64(112, true)) * 1000 + view.getUint32(120, true) / 1e6,
  };
}

/** makedev(3), without the loss of bits above 32. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 2 ** 8 + (minor >>> 8) * 2 ** 20 +
    (major >>> 12) * 2 ** 44;
}
