/**
 * Runs in the master. A file with the pid of a running master, for who wants to send it a signal, and
 * against starting an instance twice.
 *
 * @module
 */

import { basename, dirname } from "../../paths.ts";
import { errorText, UserError } from "../../errors.ts";
import { kernelText } from "../../system/descriptor.ts";
import { cString, ERRNO, type Libc, SystemCallError } from "../../system/libc.ts";
import { type ReadFile, readSmallFile, replaceText } from "../../system/files/trusted_file.ts";
import { openPlace } from "../../system/files/trusted_path.ts";
import { statFields } from "../../system/process/process_stat.ts";

const CLOCK_BOOTTIME = 7;
/** /proc counts in hundredths of a second on every Linux (USER_HZ). */
const TICK_MS = 10;
/** A file can look this much older than the process that wrote it: the clock is set now and then. */
const TOLERANCE_MS = 1_000;
/** Behind the name of a process in /proc/PID/stat: its state, and when it started. */
const STATE = 0;
const STARTED = 22 - 3;

/** A pid has ten digits at most; of a longer file this is enough to see that it is no pidfile. */
const LONGEST_PIDFILE = 64;

/** What access(2) asks for: to create files in a directory. */
const W_OK = 2;
const X_OK = 1;

/** One pidfile of this instance. */
export class PidFile {
  readonly #libc: Libc;
  readonly #path: string;
  readonly #where: string;

  /** `where`: the option and its place, for messages. */
  constructor(c: Libc, path: string, where: string) {
    this.#libc = c;
    this.#path = path;
    this.#where = where;
  }

  /**
   * Makes sure that no living process owns the file.
   *
   * @throws {UserError} If one does, or if the file is something else.
   */
  refuseOwner(): void {
    const file = this.#read();
    const content = file?.text.trim() ?? "";
    if (file === null || content === "") return;
    const pid = /^\d{1,10}$/.test(content) ? Number(content) : null;
    if (pid === null) {
      throw new UserError(
        "configuration",
        `"${this.#path}" of ${this.#where} is not a pidfile: choose another name, or remove it`,
      );
    }
    if (!isOwner(this.#libc, pid, file.status.modifiedMs)) return;
    throw new UserError(
      "pidfile",
      `The process ${pid} of ${this.#where} "${this.#path}" is running: stop it first, or choose ` +
        "another pidfile",
    );
  }

  /**
   * Makes sure that the file can be written later on.
   *
   * @throws {UserError} If this process may not create files in its directory.
   */
  requireWritable(): void {
    const directory = dirname(this.#path);
    if (this.#libc.access(cString(directory), W_OK | X_OK) === 0) return;
    const advice = `this user cannot create files in ${directory}`;
    throw new UserError(
      "configuration",
      `Cannot write "${this.#path}" of ${this.#where}: ${advice}`,
    );
  }

  /**
   * Writes the pid of this process, unless it is there already: whoever reads the file sees the old one
   * or the new one.
   *
   * @throws {UserError} If a living process owns it, or if it cannot be written.
   */
  write(): void {
    if (this.#isOwn()) return;
    this.refuseOwner();
    try {
      replaceText(this.#libc, this.#path, `${Deno.pid}\n`, `${basename(this.#path)}.${Deno.pid}`);
    } catch (error) {
      throw new UserError(
        "configuration",
        `Cannot write "${this.#path}" of ${this.#where}: ${reasonOf(error)}`,
      );
    }
  }

  /** Removes the file if it is still that of this process, and this process may do so. */
  remove(): void {
    try {
      if (!this.#isOwn()) return;
      using place = openPlace(this.#libc, this.#path, { follow: false });
      place.remove();
    } catch (error) {
      // Written by root, whom this process has left behind: the next start will find it stale.
      if (!(error instanceof SystemCallError || error instanceof UserError)) throw error;
    }
  }

  #isOwn(): boolean {
    return this.#read()?.text.trim() === String(Deno.pid);
  }

  /** Null: there is no file, or a link, which is not ours and is replaced without being read. */
  #read(): ReadFile | null {
    try {
      using place = openPlace(this.#libc, this.#path, { follow: false });
      if (place.status()?.type === "link") return null;
      return readSmallFile(this.#libc, this.#path, LONGEST_PIDFILE, false);
    } catch (error) {
      if (error instanceof SystemCallError && error.errno === ERRNO.ENOENT) return null;
      throw new UserError("configuration", `Cannot read ${this.#where}: ${reasonOf(error)}`);
    }
  }
}

/**
 * True if the process with this pid lives and has been there when the file was written. Pids come
 * again, but a process that is younger than the file cannot be the one it names.
 */
function isOwner(c: Libc, pid: number, writtenAtMs: number): boolean {
  if (pid === Deno.pid) return false;
  const fields = statFields(kernelText(c, `/proc/${pid}/stat`));
  const state = fields[STATE] ?? "";
  if (state === "" || state === "Z" || state === "X") return false;
  const ageMs = sinceBootMs(c) - Number(fields[STARTED]) * TICK_MS;
  return Date.now() - ageMs <= writtenAtMs + TOLERANCE_MS;
}

function sinceBootMs(c: Libc): number {
  const time = new BigInt64Array(2);
  c.clock_gettime(CLOCK_BOOTTIME, new Uint8Array(time.buffer));
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}

function reasonOf(error: unknown): string {
  if (error instanceof SystemCallError) return error.reason.toLowerCase();
  return errorText(error);
}
