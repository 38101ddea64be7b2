/**
 * A file that log lines go to. Every process that has it open keeps writing to the old file until it
 * has opened the new one, so a line is never lost.
 *
 * @module
 */

import { duplicate, openToAppend, putInPlace } from "./descriptor.ts";
import type { Libc } from "./libc.ts";
import { exists } from "./owned_path.ts";
import type { Owner } from "./owner.ts";

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

  private constructor(c: Libc, path: string, fd: number, look: LogFileLook) {
    this.#libc = c;
    this.path = path;
    this.fd = fd;
    this.maxsize = look.maxsize ?? null;
    this.backup = look.backup ?? null;
    this.#look = look;
  }

  /**
   * Opens the file for appending, creating it if need be (mode 0640 less the umask), and makes it
   * standard output and error of this process and of those it starts.
   *
   * @returns The file, and a descriptor of what was standard output until then.
   * @throws {SystemCallError} If it cannot be opened.
   */
  static open(
    c: Libc,
    path: string,
    look: LogFileLook = {},
  ): { readonly file: LogFile; readonly before: number } {
    const before = duplicate(c, STDOUT);
    const file = new LogFile(c, path, STDERR, look);
    putInPlace(c, file.#opened(), STDERR, before);
    putInPlace(c, file.#opened(), STDOUT, before);
    return { file, before };
  }

  /**
   * Opens a file that is a log of its own.
   *
   * @throws {SystemCallError} If it cannot be opened.
   */
  static openTarget(c: Libc, path: string, look: LogFileLook = {}): LogFile {
    const file = new LogFile(c, path, openToAppend(c, path), look);
    file.#dress(file.fd);
    return file;
  }

  /**
   * Opens the path once more, for who has renamed the file. The old file stays in use if that fails.
   *
   * @throws {SystemCallError} If it cannot be opened.
   */
  reopen(): void {
    putInPlace(this.#libc, this.#opened(), this.fd);
  }

  /**
   * Renames the file and opens a new one.
   *
   * @param backup Where it goes, replacing what is there; empty: its own name, a dot and the seconds
   * since 1970, and whatever it takes for no older file to be replaced.
   * @returns The new name of the old file.
   * @throws {Error} If it cannot be renamed, or no new one opened; the old one then keeps its name.
   */
  rotate(backup: string): string {
    const name = backup === "" ? unusedName(this.path) : backup;
    Deno.renameSync(this.path, name);
    try {
      this.reopen();
    } catch (error) {
      Deno.renameSync(name, this.path);
      throw error;
    }
    return name;
  }

  /** Bytes that are in it. */
  get size(): number {
    return Number(this.#libc.lseek(this.fd, 0n, SEEK_END));
  }

  /** Throws away what is in it. */
  truncate(): void {
    this.#libc.ftruncate(this.fd, 0n);
  }

  /** Gives the file to a user, who will have to open it again; not if it has an owner of its own. */
  chown(uid: number, gid: number): void {
    if ((this.#look.owner ?? null) === null) this.#libc.fchown(this.fd, uid, gid);
  }

  #opened(): number {
    const fd = openToAppend(this.#libc, this.path);
    this.#dress(fd);
    return fd;
  }

  /** Whoever may not do so keeps the file as it is: it is a log all the same. */
  #dress(fd: number): void {
    const { mode = null, owner = null } = this.#look;
    if (owner !== null) {
      this.#libc.fchown(fd, owner.uid ?? UNCHANGED, owner.gid ?? UNCHANGED);
    }
    if (mode !== null) this.#libc.fchmod(fd, mode);
  }
}

function unusedName(path: string): string {
  const first = `${path}.${Math.floor(Date.now() / 1000)}`;
  let name = first;
  for (let i = 2; exists(name); i++) name = `${first}.${i}`;
  return name;
}
