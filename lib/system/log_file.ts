/**
 * A file that standard output and error go to. Every process that has it open keeps writing to the old
 * file until it has opened the new one, so a line is never lost.
 *
 * @module
 */

import { duplicate, replaceFile } from "./descriptor.ts";
import type { Libc } from "./libc.ts";

const STDOUT = 1;
const STDERR = 2;

/** The log file of this process. */
export class LogFile {
  /** Its absolute path. */
  readonly path: string;
  readonly #libc: Libc;

  private constructor(c: Libc, path: string) {
    this.#libc = c;
    this.path = path;
  }

  /**
   * Opens the file for appending, creating it if need be (mode 0640 less the umask), and makes it
   * standard output and error of this process and of those it starts.
   *
   * @returns The file, and a descriptor of what was standard output until then.
   * @throws {SystemCallError} If it cannot be opened.
   */
  static open(c: Libc, path: string): { readonly file: LogFile; readonly before: number } {
    const before = duplicate(c, STDOUT);
    replaceFile(c, STDERR, path, { create: true, keep: before });
    replaceFile(c, STDOUT, path, { create: true, keep: before });
    return { file: new LogFile(c, path), before };
  }

  /**
   * Opens the path once more, for who has renamed the file. The old file stays in use if that fails.
   *
   * @throws {SystemCallError} If it cannot be opened.
   */
  reopen(): void {
    replaceFile(this.#libc, STDERR, this.path, { create: true });
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

  /** Gives the file to a user, who will have to open it again. */
  chown(uid: number, gid: number): void {
    this.#libc.fchown(STDERR, uid, gid);
  }
}

function unusedName(path: string): string {
  const first = `${path}.${Math.floor(Date.now() / 1000)}`;
  let name = first;
  for (let i = 2; exists(name); i++) name = `${first}.${i}`;
  return name;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
