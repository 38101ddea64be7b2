/**
 * Runs an instance inside of another program: the same road that `main.ts` takes, without what belongs to
 * a process of its own.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { UserError } from "../errors.ts";
import { noWorkerStarted, runHooksIfAny, runInstance } from "../instance/instance.ts";
import { logProblems } from "../instance/run_config_of.ts";
import type { MasterOutcome } from "../core/event.ts";
import type { Verdict } from "../core/verdict.ts";
import { loadConfig, loadConfigAsync, type Loaded } from "../config/load.ts";
import { InProcessOperator } from "../master/operators/in_process.ts";
import { type LogRecordLine, type LogSink, setLogSink } from "../master/log.ts";
import { NO_SIGNALS, SignalInbox } from "../master/operators/signals.ts";
import type { Stats } from "../stats/stats.ts";
import { libc } from "../system/libc.ts";
import { EventStream } from "./event_stream.ts";
import { forHostProcess } from "./host_process.ts";
import { type ConfigInput, hostBase, optionsOnly, reading } from "./parse_config.ts";

/** A line of the master's log, and what happened. */
export interface LogLine {
  /** How much it matters. */
  readonly level: "debug" | "info" | "warning" | "error" | "fatal";
  /** What happened, for programs: `accepting`, `reloadFinished`; empty: the line is for people only. */
  readonly event: string;
  /** The same in words. */
  readonly message: string;
  /** The facts: what `log-encoder = json` writes as properties. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How a master is started. */
export interface MasterOptions {
  /**
   * Takes the lines of the log. By default they go to LogTape's category `duwsgi`, and so to whatever
   * the program has configured there; nothing is configured for it.
   */
  readonly log?: (line: LogLine) => void;
  /**
   * Take the signals of the process for commands, as the program does: SIGTERM and SIGINT stop, SIGHUP
   * reloads. They are given back at the end.
   *
   * @default false
   */
  readonly signals?: boolean;
}

/**
 * How a reload replaces the workers:
 *
 * - `chain`: one worker after the other (`touch-chain-reload`);
 * - `workers`: all at the same time;
 * - `all`: the same, after the configuration was read again.
 */
export type ReloadWay = "chain" | "workers" | "all";

const COMMANDS = { chain: "chain-reload", workers: "workers-reload", all: "reload" } as const;

/** The master that runs in this process; null: none does. */
let current: Master | "starting" | null = null;

/**
 * Starts an instance in this process and resolves when its sockets are open and its workers are being
 * started; {@linkcode Master.ready} is when they accept.
 *
 * One master runs in a process at a time. The process stays the caller's: signals are left alone unless
 * asked for, and options that would change the whole process (`chdir`, `umask`, `uid`, `daemonize`,
 * `logto`, …) are refused. A reload never replaces the program: what would take that, takes effect at the
 * next start. Workers inherit standard output and error.
 *
 * ```ts
 * import { startMaster } from "@duwsgi/duwsgi";
 *
 * await using master = await startMaster({
 *   ini: `[uwsgi]
 *     http-socket = 127.0.0.1:0
 *     processes = 2
 *     deno-worker-override = examples/hello/app.ts`,
 * });
 * const [address] = await master.ready;
 * const response = await fetch(`http://${address}/`, { headers: { connection: "close" } });
 * console.log(await response.text()); // Hello from worker 1
 * console.log((await master.reload()).text);
 * ```
 *
 * @throws {UserError} If the configuration has errors, asks for what a library cannot do, or a socket
 * cannot be opened; nothing is left behind. The message names all problems, a line for each.
 * @throws {TypeError} If a master runs in this process already.
 */
export async function startMaster(
  input: ConfigInput,
  options: MasterOptions = {},
): Promise<Master> {
  if (current !== null) {
    throw new TypeError(
      "A master runs in this process already: stop it first, or start another process",
    );
  }
  current = "starting";
  try {
    const events = new EventStream<LogLine>();
    const take = takerFor(options.log ?? await toLogTape(), events);
    const base = hostBase();
    const judge = (loaded: Loaded) => forHostProcess(optionsOnly(loaded), base.cwd);
    const first = reading(input, base, false);
    const loaded = judge(await loadConfigAsync(first.argv, first.source));
    const again = () => {
      const { argv, source } = reading(input, base, true);
      return judge(loadConfig(argv, source));
    };
    const { config } = loaded;
    if (config === null) throw unusable(loaded);
    const host = new InProcessOperator();
    const ended = host.during(
      () => runHere(loaded, config, { host, take, base, options, again }),
      (outcome) =>
        outcome === "noWorkerStarted" ? noWorkerStarted(config.script) : "The master has ended",
    ).finally(() => {
      events.close();
      current = null;
    });
    // Whoever waits for the host is told the same.
    ended.catch(() => {});
    await host.admitted;
    const master = new Master(host, ended, events);
    current = master;
    return master;
  } catch (error) {
    current = null;
    throw error;
  }
}

/** What a run needs beside its configuration. */
interface Run {
  readonly host: InProcessOperator;
  readonly take: LogSink;
  readonly base: ReturnType<typeof hostBase>;
  readonly options: MasterOptions;
  readonly again: () => Loaded;
}

async function runHere(loaded: Loaded, config: Config, run: Run): Promise<MasterOutcome> {
  const { host, take, base, options, again } = run;
  const signals = options.signals === true ? new SignalInbox(libc()) : NO_SIGNALS;
  setLogSink(take);
  try {
    logProblems(loaded.problems);
    await runHooksIfAny(config, "asap");
    return await runInstance(loaded, {
      ...{ base, host, signals },
      ...{ process: null, log: null, handover: null, serviceManager: null, role: null },
      loadAgain: again,
      // It was connected before.
      openLog: () => Promise.resolve(),
    });
  } finally {
    setLogSink(null);
    signals.close();
  }
}

function unusable({ problems }: Loaded): UserError {
  const errors = problems.filter(({ severity }) => severity === "error");
  return new UserError("configuration", errors.map(({ message }) => message).join("\n"));
}

function takerFor(log: (line: LogLine) => void, events: EventStream<LogLine>): LogSink {
  return (line) => {
    const known = asLogLine(line);
    if (known.event !== "") events.put(known);
    log(known);
  };
}

function asLogLine({ level, rawMessage, timestamp, properties }: LogRecordLine): LogLine {
  const { event = "", ...fields } = properties;
  return {
    level: level === "trace" ? "debug" : level,
    event: String(event),
    message: String(rawMessage),
    fields,
    at: timestamp,
  };
}

async function toLogTape(): Promise<(line: LogLine) => void> {
  const { getLogger } = await import("@logtape/logtape");
  const logger = getLogger("duwsgi");
  return ({ level, event, message, fields, at }) =>
    logger.emit({
      level,
      message: [message],
      rawMessage: message,
      timestamp: at,
      properties: { ...fields, ...event === "" ? {} : { event } },
    });
}

/** A master that runs in this process. Use it with `await using`, or call {@linkcode Master.stop}. */
export class Master implements AsyncDisposable {
  /**
   * Resolves with the real addresses of the sockets, in the order of the configuration, as soon as every
   * slot accepts; rejects if the instance ends before.
   */
  readonly ready: Promise<readonly string[]>;
  /**
   * Resolves with how the instance ended: `stopped`, `killed` (a second stop came), `noWorkerStarted`, or
   * `noWorkerLeft` (with `die-on-no-workers`).
   */
  readonly ended: Promise<MasterOutcome>;
  readonly #host: InProcessOperator;
  readonly #events: EventStream<LogLine>;
  #stopping = false;

  /** For {@linkcode startMaster}. */
  constructor(
    host: InProcessOperator,
    ended: Promise<MasterOutcome>,
    events: EventStream<LogLine>,
  ) {
    this.#host = host;
    this.ready = host.accepting.then((sockets) => sockets.map(({ address }) => address));
    this.ready.catch(() => {});
    this.ended = ended;
    this.#events = events;
  }

  /**
   * Replaces the workers, as soon as they have accepted once.
   *
   * @returns What came of it: a reload that fails, and is rolled back, is no exception; see `outcome`.
   * @throws {Error} If the instance has ended.
   */
  async reload(way: ReloadWay = "chain"): Promise<Verdict> {
    await this.ready;
    return await this.#host.order(COMMANDS[way], "reload() was called");
  }

  /** Stops the instance in order, and resolves when nothing of it is left; it may be called again. */
  async stop(): Promise<void> {
    // A second order to stop would kill.
    if (!this.#stopping) this.#host.order("stop", "stop() was called").catch(() => {});
    this.#stopping = true;
    await this.ended;
  }

  /**
   * What the instance is doing, see docs/stats.md.
   *
   * @throws {Error} If it has ended.
   */
  stats(): Promise<Stats> {
    return this.#host.stats();
  }

  /**
   * What happens from now on: the lines of the log that have a name. It ends with the instance. Whoever is
   * more than 1000 behind loses the oldest.
   */
  events(): AsyncIterableIterator<LogLine, undefined> {
    return this.#events.listen();
  }

  /** The same as {@linkcode stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
