/**
 * Runs in the master. The log of an instance, where it is more than plain lines on standard error: its
 * files and their rotation, and what workers are told of all targets.
 *
 * Only a configuration that asks for any of it loads this module.
 *
 * @module
 */

import { errorText, needsForeignFunctions, UserError } from "../../errors.ts";
import type { Address } from "../../system/sockets/address.ts";
import type { Config } from "../../config/config.ts";
import { parseLogTarget } from "../../config/values/log_line.ts";
import { fileKeysSet, logKeysSet } from "../../config/log_needs.ts";
import { type LogPlan, planDescriptors } from "../../log/log_plan.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { connectedSocket } from "../../system/sockets/datagram_outlet.ts";
import { duplicate, putInPlace } from "../../system/descriptor.ts";
import { type Libc, libc, SystemCallError } from "../../system/libc.ts";
import { MASTER_LOCK_WAIT_MS } from "../../system/files/line_writer.ts";
import { LogFile, type LogFileLook } from "../../system/files/log_file.ts";
import { resolveHost } from "../../system/sockets/resolve_host.ts";
import { resolveOwner } from "../../system/files/owner.ts";
import { entryWriter } from "../../log/encoder.ts";
import { type EntrySink, openStream } from "../../log/stream.ts";
import { CrashOutput } from "./crash_output.ts";
import { logLine } from "../log.ts";
import { hostsOf, logPlan, remote } from "./log_plan.ts";
import { LogRotation } from "./log_rotation.ts";
import { setChildLogger } from "./child_output.ts";

/** Says where an option was written: `logto (app.ini:3)`. */
type Where = (key: keyof Config) => string;

/** What a log is opened for. */
export interface LogCircumstances {
  readonly where: Where;
  /** True if this process is the daemon that `daemonize` asks for. */
  readonly daemon: boolean;
  /** False if this program goes on where another one was. */
  readonly first: boolean;
}

/** The log of an instance. */
export class LogFiles {
  /** What workers are told; null: they write plain lines to standard error. */
  readonly plan: LogPlan | null;
  /** A descriptor of what was standard output before the log of a daemon; null: it is no daemon. */
  readonly before: number | null;
  readonly #libc: Libc | null;
  readonly #config: Config;
  readonly #circumstances: LogCircumstances;
  readonly #files: LogFile[];
  readonly #hosts: ReadonlyMap<string, string>;
  /** Opens the files again, and rotates them. */
  readonly rotation: LogRotation;

  private constructor(
    config: Config,
    circumstances: LogCircumstances,
    hosts: ReadonlyMap<string, string>,
  ) {
    this.#libc = libc();
    this.#config = config;
    this.#circumstances = circumstances;
    this.#hosts = hosts;
    this.#files = [];
    this.rotation = new LogRotation(this.#files);
    this.plan = logPlan(config, {
      file: (path) => this.#openTarget(path),
      host: (name) => hosts.get(name) ?? name,
    });
    // Last, because until then a failure is to be seen where this program was started.
    const { daemon } = circumstances;
    const main = daemon ? config.daemonize || config.daemonize2 : config.logto;
    const opened = main === "" ? null : this.#openMain(main, daemon);
    if (!daemon && opened !== null) this.#libc?.close(opened.before);
    this.before = daemon ? opened?.before ?? null : null;
    if (opened?.file) this.#files.unshift(opened.file);
  }

  /**
   * Opens what is opened before the sockets.
   *
   * @throws {UserError} If a file cannot be opened, or a host is unknown.
   */
  static async begin(config: Config, circumstances: LogCircumstances): Promise<LogFiles> {
    const { where } = circumstances;
    const demanding = needsMore(config);
    if (libc() === null && demanding !== null) throw needsForeignFunctions(where(demanding));
    return new LogFiles(config, circumstances, await hostNumbers(config, where));
  }

  /**
   * Where the master's own entries go, and lines that it passes on; null: they are plain lines.
   *
   * @param lockFd A file that all writers share, see `line_writer.ts`.
   * @param onLost Called with the number of entries that a target did not take.
   * @param onEntry Takes each entry as it looks where the log is text.
   */
  open(
    lockFd: number | null,
    onLost: (entries: number) => void,
    onEntry: (line: string) => void,
  ): EntrySink | null {
    const stream = this.plan?.log ?? null;
    if (stream === null) return null;
    const sink = openStream(stream, {
      libc: this.#libc,
      lockFd,
      lockWaitMs: MASTER_LOCK_WAIT_MS,
      stderrFd: 2,
      hostname: Deno.hostname(),
      pid: Deno.pid,
      onLost,
    });
    const show = entryWriter(
      { date: stream.date, bare: false },
      stream.targets.at(-1)?.encoders ?? [],
    );
    setChildLogger(({ logger, fields, level = "info" }, from, text) =>
      sink([{ level, text, at: Date.now(), logger, fields: { ...fields, stream: from } }])
    );
    return (entries) => {
      for (const entry of entries) onEntry(show(entry));
      sink(entries);
    };
  }

  /**
   * Where a worker's words go that it does not write to the log itself; null: to the log as they are.
   *
   * @param read Descriptor of those of a worker from the program before; null: it has none.
   */
  lastWords(read?: number | null): CrashOutput | null {
    const c = this.#libc;
    if (c === null || read === null) return null;
    if (read !== undefined) return CrashOutput.keep(c, read);
    return this.shapesOutput ? CrashOutput.create(c) : null;
  }

  /** Descriptors that each worker inherits. */
  get descriptors(): readonly number[] {
    return this.plan === null ? [] : planDescriptors(this.plan);
  }

  /** True if what workers print has to be put into another form. */
  get shapesOutput(): boolean {
    return this.plan !== null && this.plan.log !== null;
  }

  /** True if there is a log file to open again or to rotate. */
  get hasFile(): boolean {
    return this.#files.length > 0;
  }

  /** Gives the files to the user that the master becomes. */
  give(uid: number, gid: number): void {
    for (const file of this.#files) {
      if (file.chown(uid, gid)) continue;
      const text =
        `The log file "${file.path}" stays root's, because it holds something and lies ` +
        "where other users may have put it: give it to the user, who cannot open it again else";
      logLine("warning", text, { event: "logNotGiven", path: file.path });
    }
  }

  /**
   * Privileges are gone: opens what is opened only then.
   *
   * @throws {UserError} If it cannot be opened.
   */
  afterDrop(): void {
    const { logto2 } = this.#config;
    if (logto2 === "") return;
    const { file, before } = this.#openMain(logto2, false);
    this.#libc?.close(before);
    if (file !== null) this.#files.unshift(file);
  }

  /** Puts a file, or an address, in the place of standard output and error. */
  #openMain(
    written: string,
    daemon: boolean,
  ): { readonly file: LogFile | null; readonly before: number } {
    const c = this.#libc;
    const key = fileKeysSet(this.#config)[0] ?? "logto";
    if (c === null) throw needsForeignFunctions(this.#circumstances.where(key));
    const address = daemon ? null : parseLogTarget(written);
    return this.#attempt(written, key, () => {
      if (address !== null && address.kind !== "unix") return this.#openAddress(c, address);
      // That of `daemonize` is renamed as `log-backupname` says, and so is that of `logto`.
      const opened = LogFile.open(c, absolutePath(written), this.#look({}));
      this.#emptied(opened.file);
      return opened;
    });
  }

  #openAddress(c: Libc, address: Address): { readonly file: null; readonly before: number } {
    const host = (name: string) => this.#hosts.get(name) ?? name;
    const socket = connectedSocket(c, remote(address, { host }));
    const before = duplicate(c, 1);
    putInPlace(c, duplicate(c, socket), 2, before);
    putInPlace(c, socket, 1, before);
    return { file: null, before };
  }

  #openTarget(written: string): { readonly path: string; readonly fd: number } {
    const path = absolutePath(written);
    const known = this.#files.find((file) => file.path === path);
    if (known !== undefined) return known;
    const { loggers, reqLoggers } = this.#config;
    const c = this.#libc;
    const key = loggers.some(({ target }) => target.kind === "file" && target.path === written)
      ? "loggers"
      : "reqLoggers";
    if (c === null) throw needsForeignFunctions(this.#circumstances.where(key));
    const options = [...loggers, ...reqLoggers].find(({ target }) =>
      target.kind === "file" && target.path === written
    )?.target;
    const own = options?.kind === "file" ? options : null;
    const look = this.#look({ backup: own?.backupname ?? "", maxsize: own?.maxsize ?? null });
    const file = this.#attempt(written, key, () => LogFile.openTarget(c, path, look));
    this.#emptied(file);
    this.#files.push(file);
    return file;
  }

  #look(more: LogFileLook): LogFileLook {
    const { logfileChmod: mode, logfileChown } = this.#config;
    const c = this.#libc;
    if (c === null) return { ...more, mode };
    const user = userOf(c, this.#config.uid);
    try {
      const owner = logfileChown === "" ? null : resolveOwner(c, logfileChown);
      const owners = [user, owner?.uid ?? null].filter((uid) => uid !== null);
      return { ...more, mode, owner, owners };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const place = this.#circumstances.where("logfileChown");
      throw new UserError("configuration", `Cannot do what ${place} says: ${error.message}`);
    }
  }

  #emptied(file: LogFile): void {
    if (this.#config.logTruncate && this.#circumstances.first) file.truncate();
  }

  #attempt<T>(written: string, key: keyof Config, open: () => T): T {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof SystemCallError || error instanceof TypeError)) throw error;
      const reason = error instanceof SystemCallError ? error.reason.toLowerCase() : error.message;
      const place = this.#circumstances.where(key);
      const text = `Cannot open the log file "${written}" of ${place}: ${reason}`;
      throw new UserError("configuration", text);
    }
  }
}

/** The number of the user that the master becomes; null: none, or one that is refused later on. */
function userOf(c: Libc, uid: string): number | null {
  try {
    return resolveOwner(c, uid).uid;
  } catch {
    return null;
  }
}

/** The first option that takes more than standard error; null: there is none. */
function needsMore(config: Config): keyof Config | null {
  const [file] = fileKeysSet(config);
  if (file !== undefined) return file;
  const elsewhere = (key: "loggers" | "reqLoggers") =>
    config[key].some(({ target }) => target.kind !== "stdio");
  return (["loggers", "reqLoggers"] as const).find(elsewhere) ??
    logKeysSet(config).find((key) => key === "reqLoggers") ?? null;
}

async function hostNumbers(config: Config, where: Where): Promise<ReadonlyMap<string, string>> {
  const { loggers, reqLoggers, logto, logto2 } = config;
  const targets = [...loggers, ...reqLoggers].flatMap(({ target }) =>
    "address" in target ? [target.address] : []
  );
  const files = [logto, logto2].filter((text) => text !== "").map(parseLogTarget);
  const names = hostsOf([...targets, ...files]);
  const numbers = new Map<string, string>();
  try {
    // Once, and here: workers never wait for a name server.
    for (const name of names) numbers.set(name, await resolveHost(name));
    return numbers;
  } catch (error) {
    const reason = errorText(error);
    const key = targets.length === 0 ? "logto" : loggers.length > 0 ? "loggers" : "reqLoggers";
    throw new UserError("configuration", `Cannot do what ${where(key)} says: ${reason}`);
  }
}
