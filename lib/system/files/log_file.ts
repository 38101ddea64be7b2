/**
 * A file that log lines go to. Every process that has it open keeps writing to the old file until it
 * has opened the new one, so a line is never lost.
 *
 * @module
 */

import { duplicate, putInPlace } from "../descriptor.ts";
import type { FileStatus, FileType } from "./file_status.ts";
import type { Libc } from "../libc.ts";
import type { Owner } from "./owner.ts";
import { removeRenamedFiles, renamedName } from "./renamed_files.ts";
import { type AppendedFile, openToAppend } from "./trusted_file.ts";
import { openPlace, type TrustedName } from "./trusted_path.ts";

/** What the log is written to is no regular file, so that nothing is renamed; for operators. */
export class NothingToRotate extends TypeError {}

const STDOUT = 1;
const STDERR = 2;
const SEEK_END = 2;
/** Leaves that half of an owner as it is (chown(2)). */
const UNCHANGED = 0xffff_ffff;

/** What a log file is made whenever it is opened. */
export interface LogFileLook {
  /** Null: as it is. @default null */
  readonly mode?: number | null;
  /** Null: as it is. @default null */
  readonly owner?: Owner | null;
  /** What a rotated one is called; empty: its own name, a dot and the seconds since 1970. */
  readonly backup?: string;
  /** Size in bytes that it is rotated at; 0: never; null: that of the instance. @default null */
  readonly maxsize?: number | null;
  /** Users beside root who may own the file and the directories of its path; null: anybody. @default null */
  readonly owners?: readonly number[] | null;
}

/** A log file of this process and of those it starts. */
export class LogFile {
  /** Its absolute path. */
  readonly path: string;
  /** The descriptor it is written through. */
  readonly fd: number;
  /** Size that it is rotated at; null: that of the instance. */
  readonly maxsize: number | null;
  /** What a rotated one is called; null: as the instance says. */
  readonly backup: string | null;
  readonly #libc: Libc;
  readonly #look: LogFileLook;
  /** What was opened last. */
  #opened: AppendedFile;

  private constructor(c: Libc, path: string, look: LogFileLook, fd: number | null) {
    this.#libc = c;
    this.path = path;
    this.#look = look;
    this.#opened = this.#open();
    this.fd = fd ?? this.#opened.fd;
    this.maxsize = look.maxsize ?? null;
    this.backup = look.backup ?? null;
  }

  /**
   * Opens the file for appending, creating it if need be (mode 0640 less the umask), and makes it
   * standard output and error of this process and of those it starts.
   *
   * @returns The file, and a descriptor of what was standard output until then.
   * @throws {SystemCallError} If it cannot be opened.
   * @throws {UnsafePathError} If root should not write to it, see `openToAppend()`.
   */
  static open(
    c: Libc,
    path: string,
    look: LogFileLook = {},
  ): { readonly file: LogFile; readonly before: number } {
    const file = new LogFile(c, path, look, STDERR);
    const before = duplicate(c, STDOUT);
    const second = duplicate(c, file.#opened.fd);
    putInPlace(c, file.#opened.fd, STDERR, before);
    putInPlace(c, second, STDOUT, before);
    return { file, before };
  }

  /**
   * Opens a file that is a log of its own.
   *
   * @throws {SystemCallError} If it cannot be opened.
   * @throws {UnsafePathError} If root should not write to it, see `openToAppend()`.
   */
  static openTarget(c: Libc, path: string, look: LogFileLook = {}): LogFile {
    return new LogFile(c, path, look, null);
  }

  /**
   * Opens the path once more, for who has renamed the file. The old file stays in use if that fails.
   *
   * @throws {SystemCallError} If it cannot be opened.
   * @throws {UnsafePathError} If root should not write to it, see `openToAppend()`.
   */
  reopen(): void {
    this.#opened = this.#open();
    putInPlace(this.#libc, this.#opened.fd, this.fd);
  }

  /** Number of the file, for those that open the path as well. */
  get inode(): number {
    return this.#opened.status.inode;
  }

  /**
   * Renames the file and opens a new one. Only regular files are renamed, and no link is followed: what
   * stands for a device, a pipe or a terminal belongs to others as well.
   *
   * @param backup Where it goes, replacing the file that is there; empty: its own name, a dot and the
   * seconds since 1970, and whatever it takes for no older file to be replaced.
   * @returns The new name of the old file; null: the file was gone already, and there is a new one.
   * @throws {NothingToRotate} If there is something else than a regular file.
   * @throws {Error} If it cannot be renamed, or no new one opened; the old one then keeps its name.
   */
  rotate(backup: string): string | null {
    const c = this.#libc;
    const { owners = null } = this.#look;
    using current = openPlace(c, this.path, { owners, follow: false });
    const status = current.status();
    if (status === null) {
      this.reopen();
      return null;
    }
    requireRegular(status, this.path);
    using elsewhere = backup === "" ? null : openPlace(c, backup, { owners, follow: false });
    const replaced = elsewhere?.status() ?? null;
    if (replaced !== null) requireRegular(replaced, backup);
    const renamed = elsewhere ?? unusedSibling(current);
    current.renameTo(renamed);
    try {
      this.reopen();
    } catch (error) {
      renamed.renameTo(current);
      throw error;
    }
    return renamed.path;
  }

  /**
   * Removes files that `rotate("")` has renamed, but for the youngest ones.
   *
   * @param keep How many stay.
   * @returns How many were removed.
   * @throws {Error} If they cannot be listed or removed.
   */
  removeRenamed(keep: number): Promise<number> {
    const { owners = null } = this.#look;
    return removeRenamedFiles(this.#libc, this.path, keep, owners);
  }

  /** Bytes that are in it. */
  get size(): number {
    return Number(this.#libc.lseek(this.fd, 0n, SEEK_END));
  }

  /** Throws away what is in it. */
  truncate(): void {
    this.#libc.ftruncate(this.fd, 0n);
  }

  /**
   * Gives the file to a user, who will have to open it again; not if it has an owner of its own.
   *
   * @returns False if it stays root's because another user may have put it there.
   */
  chown(uid: number, gid: number): boolean {
    if ((this.#look.owner ?? null) !== null) return true;
    const { mayGive, status } = this.#opened;
    if (mayGive) this.#libc.fchown(this.fd, uid, gid);
    return mayGive || status.type !== "regular";
  }

  #open(): AppendedFile {
    const { owners = null, mode = null, owner = null } = this.#look;
    const opened = openToAppend(this.#libc, this.path, { owners });
    const { fd, mayGive } = opened;
    // Whoever may not do so keeps the file as it is: it is a log all the same.
    if (!mayGive) return opened;
    if (owner !== null) {
      this.#libc.fchown(fd, owner.uid ?? UNCHANGED, owner.gid ?? UNCHANGED);
    }
    if (mode !== null) this.#libc.fchmod(fd, mode);
    return opened;
  }
}

const KINDS: Readonly<Partial<Record<FileType, string>>> = {
  link: "a symbolic link: write the path that it leads to, if that is a regular file",
  fifo: "a FIFO",
  character: "a device",
  socket: "a socket",
  directory: "a directory",
};

function requireRegular({ type }: FileStatus, path: string): void {
  if (type === "regular") return;
  throw new NothingToRotate(`"${path}" is ${KINDS[type] ?? "no regular file"}`);
}

/** A name beside that of the file, of which there is none yet. */
function unusedSibling(place: TrustedName): TrustedName {
  const seconds = Math.floor(Date.now() / 1000);
  for (let i = 1;; i++) {
    const sibling = place.sibling(renamedName(place.name, seconds, i));
    if (sibling.status() === null) return sibling;
  }
}
