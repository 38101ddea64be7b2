/**
 * Runs in the master. What makes it a daemon with a pidfile, a user, limits and a name, in this order:
 *
 * 1. {@linkcode ProcessSetup.begin}: as whoever started it, before anything is bound: live pidfiles,
 *    unknown users, limits, name. The log has been opened before, see `log_setup.ts`.
 * 2. {@linkcode ProcessSetup.afterBind}: the sockets are bound: `pidfile`, then the privileges go, then
 *    `pidfile2`.
 * 3. {@linkcode ProcessSetup.opened}: nothing but the workers is missing: a `daemonize` daemon is up.
 * 4. {@linkcode ProcessSetup.ready}: all workers accept: `safe-pidfile`; a `daemonize2` daemon is up.
 * 5. {@linkcode ProcessSetup.exit}.
 *
 * Only a configuration that asks for any of it loads this module.
 *
 * @module
 */

import { needsForeignFunctions, UserError } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import { type ProcessConfig, processKeysSet } from "../../config/options/process.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { CpuAffinity } from "../../system/process/cpu_affinity.ts";
import { type Libc, libc, SystemCallError } from "../../system/libc.ts";
import type { LineWriter } from "../../system/files/line_writer.ts";
import { ownArguments } from "../../system/process/own_command.ts";
import { setProcessName } from "../../system/process/process_name.ts";
import { setLimit, setNice } from "../../system/process/resource_limits.ts";
import { DaemonStatusPipe } from "./daemon.ts";
import type { Listeners } from "../sockets/listeners.ts";
import { logLibrary, logLine } from "../log.ts";
import type { LogFiles } from "../logging/log_setup.ts";
import { PidFile } from "./pid_file.ts";
import {
  becomeIdentity,
  type Identity,
  requireCache,
  requireReach,
  wantedIdentity,
} from "./privileges.ts";
import { masterName } from "./process_names.ts";

type PidFileKey = "pidfile" | "pidfile2" | "safePidfile" | "safePidfile2";

/** Says where an option was written: `pidfile (app.ini:3)`. */
export type Where = (key: keyof Config) => string;

/** What this process is, apart from what it serves. */
export class ProcessSetup {
  /** Binds workers to CPUs; null: they use what the master uses. */
  readonly affinity: CpuAffinity | null;
  readonly #libc: Libc;
  readonly #config: Config;
  readonly #where: Where;
  readonly #identity: Identity | null;
  readonly #pidFiles: ReadonlyMap<PidFileKey, PidFile>;
  readonly #log: LogFiles | null;
  readonly #starter: DaemonStatusPipe | null;
  readonly #written = new Set<PidFile>();

  private constructor(c: Libc, config: Config, where: Where, log: LogFiles | null) {
    this.#libc = c;
    this.#config = config;
    this.#where = where;
    this.#log = log;
    this.#starter = typeof log?.before === "number" ? new DaemonStatusPipe(c, log.before) : null;
    const keys = ["pidfile", "pidfile2", "safePidfile", "safePidfile2"] as const;
    this.#pidFiles = new Map(
      keys.filter((key) => config[key] !== "").map((key) =>
        [key, new PidFile(c, absolutePath(config[key]), where(key))] as const
      ),
    );
    this.#identity = this.#told(() => wantedIdentity(c, config, where));
    this.affinity = config.cpuAffinity === null ? null : new CpuAffinity(c, config.cpuAffinity);
  }

  /**
   * Does what comes before the sockets.
   *
   * @param log The log, if it is more than plain lines on standard error.
   * @throws {UserError} If a living process has the pidfile, if a user is unknown, or if a limit is out
   * of reach.
   */
  static begin(config: Config, where: Where, log: LogFiles | null): ProcessSetup {
    const c = libc();
    if (c === null) throw needsForeignFunctions(where(processKeysSet(config)[0] ?? "pidfile"));
    const setup = new ProcessSetup(c, config, where, log);
    setup.#told(() => setup.#begin());
    return setup;
  }

  #begin(): void {
    const c = this.#libc;
    const { maxFd, limitNproc, limitAs, prio } = this.#config;
    for (const file of this.#pidFiles.values()) file.refuseOwner();
    if (maxFd !== null) this.#attempt("maxFd", () => setLimit(c, "nofile", maxFd));
    if (limitNproc !== null) this.#attempt("limitNproc", () => setLimit(c, "nproc", limitNproc));
    if (limitAs !== null) this.#attempt("limitAs", () => setLimit(c, "as", limitAs * 1024 * 1024));
    if (prio !== null) this.#attempt("prio", () => setNice(c, prio));
    const name = masterName(this.#config);
    if (name === null) return;
    // The name takes the place of the arguments, which whoever starts this program again needs.
    ownArguments(c);
    setProcessName(c, name);
  }

  /**
   * The sockets are bound, and nothing else is there yet: whatever is made from now on belongs to the
   * user of `uid`.
   *
   * @throws {UserError} If a pidfile cannot be written, or privileges cannot be dropped.
   */
  async afterBind(listeners: Listeners): Promise<void> {
    this.#write("pidfile");
    // Hooks as root belong here: the sockets are bound, the privileges are still there.
    if (this.#identity !== null) await this.#become(this.#identity, listeners);
    // Hooks as the user belong here: the privileges are gone, no worker has been started.
    this.#write("pidfile2");
    for (const key of ["safePidfile", "safePidfile2"] as const) {
      this.#pidFiles.get(key)?.requireWritable();
    }
  }

  async #become(identity: Identity, listeners: Listeners): Promise<void> {
    const { uid, gid } = identity;
    listeners.give(uid, gid, this.#config.chownSocket === "");
    this.#log?.give(uid, gid);
    // It may lie where the user may not look.
    await logLibrary();
    becomeIdentity(this.#libc, identity);
    const key = this.#config.uid === "" ? "gid" : "uid";
    requireReach(this.#libc, this.#config.script, this.#where(key));
  }

  /** Everything is there but the workers; `directory` is the master's own. */
  opened(directory: string): void {
    if (this.#identity !== null) requireCache(this.#libc, directory);
    if (this.#config.daemonize !== "") this.#starter?.up();
  }

  /** All workers accept. A pidfile that cannot be written now is no reason to stop serving. */
  ready(): void {
    for (const key of ["safePidfile2", "safePidfile"] as const) this.#writeOrLog(key);
    this.#starter?.up();
  }

  /** Writes all pidfiles of this instance once more, for who has lost them (FIFO letter `P`). */
  rewritePidfiles(): void {
    for (const [key, file] of this.#pidFiles) {
      if (this.#written.has(file)) this.#writeOrLog(key);
    }
  }

  /** A writer that also tells the command which waits for this daemon to be up. */
  tee(write: LineWriter): LineWriter {
    const starter = this.#starter;
    if (starter === null) return write;
    return (line) => {
      starter.tell(line);
      return write(line);
    };
  }

  /** Tells a line to the command which waits for this daemon to be up, if there is one. */
  tell(line: string): void {
    this.#starter?.tell(line);
  }

  /** The start has failed: says so to who waits, and takes back what was written. */
  abort(error: unknown): void {
    if (error instanceof UserError) this.#starter?.tell(`duwsgi: ${error.message}`);
    this.exit(true);
  }

  /** The instance has ended; `vacuum` removes its pidfiles. */
  exit(vacuum: boolean): void {
    if (!vacuum) return;
    for (const file of this.#written) file.remove();
    this.#written.clear();
  }

  #write(key: PidFileKey): void {
    const file = this.#pidFiles.get(key);
    if (file === undefined) return;
    file.write();
    this.#written.add(file);
  }

  #writeOrLog(key: PidFileKey): void {
    try {
      this.#write(key);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      logLine("error", error.message, { event: "pidfileFailed" });
    }
  }

  #attempt(key: keyof ProcessConfig, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      const text = `Cannot do what ${this.#where(key)} says: ${error.message}`;
      throw new UserError("configuration", `${text}: only root may go beyond what is inherited`);
    }
  }

  /** Passes on the result, and an error also to who waits for the daemon. */
  #told<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      this.abort(error);
      throw error;
    }
  }
}
