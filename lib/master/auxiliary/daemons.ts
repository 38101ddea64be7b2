/**
 * Runs in the master. The programs of `attach-daemon` and its siblings.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { DaemonLine } from "../../config/values/daemon_line.ts";
import type { StatsDaemon } from "../../stats/stats.ts";
import { realPathOf } from "../../system/files/absolute_path.ts";
import { libc } from "../../system/libc.ts";
import { resolveOwner } from "../../system/files/owner.ts";
import { writtenPath } from "../../system/files/working_directory.ts";
import { logLine } from "../log.ts";
import { TouchFiles } from "../file_triggers/touch_files.ts";
import { type ChildOptions, ShellCommand } from "./child.ts";
import { SmartDaemon } from "./smart_daemon.ts";
import { type RunningProcess, Supervised } from "./supervised.ts";
import { guarded } from "../guarded.ts";

/** What daemons need of the master. */
export interface DaemonContext {
  /** The configuration in use. */
  readonly config: () => Config;
  /** Writes a line that a daemon printed. */
  readonly onLine: ChildOptions["onLine"];
  /** Stops the instance. */
  readonly stopInstance: (why: string) => void;
}

/** A daemon, attached or smart. */
interface Running {
  readonly line: DaemonLine;
  readonly pid: number | null;
  readonly starts: number;
  start(): void;
  stop(mercyMs: number): Promise<void>;
  restart(mercyMs: number): Promise<void>;
  signal(signal: Deno.Signal): void;
  kill(): void;
}

/** The daemons of the configuration. */
export class Daemons {
  readonly #resources: DaemonContext;
  readonly #touchFiles: TouchFiles<Running>;
  readonly #leaving = new Set<Running>();
  #running: Running[] = [];
  /** Where each of them was started. */
  readonly #directories = new WeakMap<Running, string>();

  /** Nothing is started yet. */
  constructor(resources: DaemonContext) {
    this.#resources = resources;
    this.#touchFiles = new TouchFiles((daemon, path) => {
      const text = `${nameOf(daemon.line)}: ${path} was touched`;
      logLine("info", text, { event: "companionTouched", command: daemon.line.command });
      guarded("restart a daemon", () => daemon.restart(resources.config().reloadMercyMs));
    });
  }

  /**
   * Starts what is new and ends what is no longer there. What stays as it was keeps running, and gets
   * its reload signal.
   */
  configure(lines: readonly DaemonLine[]): void {
    const { reloadMercyMs } = this.#resources.config();
    const before = [...this.#running];
    this.#running = lines.map((line) => {
      const at = before.findIndex((daemon) => isSame(daemon.line, line));
      const [known] = at < 0 ? [] : before.splice(at, 1);
      const directory = realPathOf(writtenPath(line.chdir));
      const daemon = known ?? this.#create(line);
      const isMoved = known !== undefined && this.#directories.get(known) !== directory;
      this.#directories.set(daemon, directory);
      // One with a pidfile outlives even masters.
      if (isMoved && daemon instanceof AttachedDaemon) {
        const text = `${nameOf(line)} is started again: its directory is ${directory} now`;
        logLine("info", text, { event: "companionMoved", command: line.command, directory });
        void daemon.restart(reloadMercyMs);
      } else if (known !== undefined && line.reloadSignal !== null) known.signal(line.reloadSignal);
      return daemon;
    });
    for (const gone of before) {
      this.#leaving.add(gone);
      guarded("end a daemon", async () => {
        await gone.stop(reloadMercyMs);
        this.#leaving.delete(gone);
      });
    }
    for (const daemon of this.#running) daemon.start();
    this.#touchFiles.watch(
      this.#running.flatMap((daemon) => daemon.line.touch.map((path) => ({ path, what: daemon }))),
    );
  }

  /** What the stats show of them; undefined: there are none. */
  get stats(): readonly StatsDaemon[] | undefined {
    if (this.#running.length === 0) return undefined;
    return this.#running.map(({ line, pid, starts }) => ({
      cmd: line.command,
      pid: pid ?? 0,
      respawns: Math.max(0, starts - 1),
    }));
  }

  /** Ends those that do not outlive the master. */
  async stop(mercyMs: number): Promise<void> {
    this.#touchFiles.close();
    const all = [...this.#running, ...this.#leaving];
    await Promise.all(all.map((daemon) => daemon.stop(mercyMs)));
  }

  /** Ends them at once. */
  kill(): void {
    for (const daemon of [...this.#running, ...this.#leaving]) daemon.kill();
  }

  #create(line: DaemonLine): Running {
    const { pidfile } = line;
    const options = () => this.#options(line);
    return pidfile === null
      ? new AttachedDaemon(line, options, this.#resources)
      : new SmartDaemon({ ...line, pidfile }, options);
  }

  #options(line: DaemonLine): Omit<ChildOptions, "onLine"> {
    const { command, chdir: cwd, uid, gid } = line;
    return { command, cwd, env: environmentOf(this.#resources.config()), ...ownerOf(uid, gid) };
  }
}

/** `env` of the configuration, which in uWSGI is the environment of everything. */
export function environmentOf(config: Config): Record<string, string> {
  return Object.fromEntries(config.env);
}

function ownerOf(uid: string, gid: string): Pick<ChildOptions, "uid" | "gid"> {
  if (uid === "" && gid === "") return {};
  const c = libc();
  if (c === null) throw new Error("names of users need foreign functions: allow them");
  return resolveOwner(c, `${uid}:${gid}`);
}

function isSame(a: DaemonLine, b: DaemonLine): boolean {
  return a.option === b.option && a.text === b.text;
}

function nameOf(line: DaemonLine): string {
  return `Daemon "${line.command}"`;
}

/** A daemon that ends with the master. */
class AttachedDaemon implements Running {
  readonly line: DaemonLine;
  readonly #supervised: Supervised;
  #child: ShellCommand | null = null;
  #started = false;

  constructor(
    line: DaemonLine,
    options: () => Omit<ChildOptions, "onLine">,
    { onLine, stopInstance }: DaemonContext,
  ) {
    this.line = line;
    this.#supervised = new Supervised({
      name: nameOf(line),
      fields: { command: line.command },
      ...(line.maxThrottleMs === null ? {} : { longestPauseMs: line.maxThrottleMs }),
      start: () => this.#begin({ ...options(), onLine }),
      onDeath: (how) => {
        if (line.control) stopInstance(`the control daemon "${line.command}" ${how}`);
        return line.control;
      },
    });
  }

  get pid(): number | null {
    return this.#supervised.pid;
  }

  get starts(): number {
    return this.#supervised.starts;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#supervised.start();
  }

  stop(mercyMs: number): Promise<void> {
    return this.#supervised.stop(mercyMs);
  }

  restart(mercyMs: number): Promise<void> {
    return this.#supervised.restart(mercyMs);
  }

  signal(signal: Deno.Signal): void {
    this.#child?.signal(signal);
  }

  kill(): void {
    this.#supervised.kill();
  }

  #begin(options: ChildOptions): RunningProcess {
    const child = new ShellCommand(options);
    this.#child = child;
    return {
      pid: child.pid,
      exited: child.exited.then(({ how }) => {
        this.#child = null;
        return how;
      }),
      ask: () => child.ask(this.line.stopSignal),
      kill: () => child.kill(),
    };
  }
}
