/**
 * What the program does, in order: read the configuration, answer a question or make this process what
 * it is to be, and run the instance. The only place that turns an error into a line on stderr and an exit code.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import type { Config } from "../config/config.ts";
import { loadConfig, loadConfigAsync, type Loaded } from "../config/load.ts";
import { logKeysSet, logsObjects } from "../config/log_needs.ts";
import { optionPlace } from "../config/option_place.ts";
import { processKeysSet } from "../config/options/process.ts";
import { Problems } from "../config/problem.ts";
import { showConfig } from "../config/show_config.ts";
import type { MasterOutcome } from "../core/event.ts";
import { lazyImport } from "../lazy_import.ts";
import { ControllingTerminal } from "../master/process/controlling_terminal.ts";
import { DAEMON_VARIABLE } from "../master/process/daemon.ts";
import type { LogFiles } from "../master/logging/log_setup.ts";
import {
  asObjects,
  configureLog,
  logLine,
  type LogRecordLine,
  setLogLevel,
  unwrittenLines,
} from "../master/log.ts";
import { isHandedOver, whyNoHandover } from "../master/upgrade/handover_environment.ts";
import type { InProcessOperator } from "../master/operators/in_process.ts";
import type { OrphanReaper } from "../master/process/orphans.ts";
import type { ProcessSetup } from "../master/process/process_setup.ts";
import type { ServiceManager } from "../master/service_manager/service_manager.ts";
import { SignalInbox } from "../master/operators/signals.ts";
import { swallowSignal } from "../system/process/swallow_signal.ts";
import { captureBase, denoConfigSource, type SourceBase } from "../instance/config_source.ts";
import { libc } from "../system/libc.ts";
import { listenVariables } from "../system/sockets/passed_sockets.ts";
import { enterDirectory } from "../system/files/working_directory.ts";
import { VERSION } from "../version.ts";
import { parseArguments } from "../config/command_line.ts";
import { EarlyExit, errorText, EXIT, UserError } from "../errors.ts";
import { renderHelp, renderOptionHelp } from "./help.ts";
import { noWorkerStarted, runHooksIfAny, runInstance } from "../instance/instance.ts";
import { logProblems } from "../instance/run_config_of.ts";
import { refusedByDeno, requirePermissions } from "./needed_permissions.ts";
import type { Handover } from "../master/handover.ts";

/** Runs the program with these arguments and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await perform(args);
  } catch (thrown) {
    const error = refusedByDeno(thrown) ?? thrown;
    if (!(error instanceof UserError || error instanceof EarlyExit)) throw error;
    await tellEnd(error instanceof UserError ? error : null);
    return error instanceof EarlyExit ? error.code : EXIT[error.exit].code;
  }
}

/** True once the configuration says that each line is an object, also those of a start that fails. */
let endsInObjects = false;

/** Says why the program ends, after what came before there was a log. */
async function tellEnd(error: UserError | null): Promise<void> {
  if (endsInObjects) {
    const end: LogRecordLine[] = error === null ? [] : [{
      level: "error",
      message: [error.message],
      rawMessage: error.message,
      timestamp: Date.now(),
      properties: { event: "startFailed", exit: error.exit },
    }];
    for (const text of await asObjects([...unwrittenLines(), ...end])) console.error(text);
    return;
  }
  for (const { rawMessage, properties } of unwrittenLines()) {
    // What would run where is of no use to who reads why it does not.
    if (properties.event !== "banner") complain(String(rawMessage));
  }
  if (error !== null) complain(error.message);
}

/** Something else than running an instance: its arguments are its own; returns the exit code. */
type Subcommand = (args: readonly string[], base: SourceBase) => Promise<number> | number;

/** By the first argument. */
const SUBCOMMANDS: Readonly<Record<string, () => Promise<Subcommand>>> = {
  ctl: async () =>
    (await lazyImport<typeof import("./client/ctl.ts")>(import.meta.resolve("./client/ctl.ts")))
      .ctl,
  top: async () =>
    (await lazyImport<typeof import("./client/top.ts")>(import.meta.resolve("./client/top.ts")))
      .top,
  init: async () =>
    (await lazyImport<typeof import("./init.ts")>(import.meta.resolve("./init.ts"))).init,
};

async function perform(args: readonly string[]): Promise<number> {
  const [first = "", ...rest] = args;
  const tool = Object.hasOwn(SUBCOMMANDS, first) ? SUBCOMMANDS[first] : undefined;
  // Whoever asks what this is has given no permission yet.
  const question = tool === undefined ? parseArguments(args, new Problems()).command : null;
  if (question?.kind === "help") return help(question.topic);
  if (question?.kind === "version") {
    return answer(`duwsgi ${VERSION} (Deno ${Deno.version.deno})`);
  }
  requirePermissions(tool === undefined ? "instance" : "command");
  const terminal = new ControllingTerminal();
  // Some commands run for long, and all of them with the rights of who calls them.
  const c = libc();
  if (c !== null) swallowSignal(c, "SIGUSR1");
  const base = captureBase();
  if (tool !== undefined) return await (await tool())(rest, base);
  const loaded = await loadConfigAsync(args, denoConfigSource(base, false));
  const { kind, topic } = loaded.command;
  const daemon = takeDaemonRole();
  // Who has started the daemon has read the same problems, and shown them.
  if (!daemon || loaded.config === null) {
    for (const { message, severity } of loaded.problems) complain(`${severity}: ${message}`);
  }
  if (kind === "reload" || kind === "stop" || kind === "pause") {
    if (loaded.problems.length > 0 || topic === undefined) return EXIT.configuration.code;
    const { signalMaster } = await lazyImport<typeof import("./client/signal_master.ts")>(
      import.meta.resolve("./client/signal_master.ts"),
    );
    return answer(signalMaster(kind, topic));
  }
  if (kind === "check") return await check(loaded);
  if (loaded.config === null) return EXIT.configuration.code;
  if (kind === "show-config") return answer(showConfig(loaded));
  if (kind === "smoke") {
    const { smoke } = await lazyImport<typeof import("./smoke.ts")>(
      import.meta.resolve("./smoke.ts"),
    );
    return await smoke(
      topic,
      loaded.config,
      (host) => serve(args, loaded, { base, terminal, daemon, host }),
    );
  }
  const { daemonize, daemonize2 } = loaded.config;
  if (!daemon && (daemonize !== "" || daemonize2 !== "")) {
    const { startDaemon } = await lazyImport<typeof import("./daemonize.ts")>(
      import.meta.resolve("./daemonize.ts"),
    );
    const option = optionPlace(loaded.entries, daemonize === "" ? "daemonize2" : "daemonize");
    return await startDaemon(option, base.stdinRead());
  }
  return await serve(args, loaded, { base, terminal, daemon, host: null });
}

/** What this process is, beside its configuration. */
interface ProcessRole {
  readonly base: SourceBase;
  readonly terminal: ControllingTerminal;
  /** It is the daemon that another one has started. */
  readonly daemon: boolean;
  /** Null: only operators command the instance. */
  readonly host: InProcessOperator | null;
}

/** Runs the instance, and returns the exit code. */
async function serve(args: readonly string[], read: Loaded, part: ProcessRole): Promise<number> {
  const { base, terminal, daemon, host } = part;
  const loaded = host === null ? read : inForeground(read);
  if (loaded.config === null) return EXIT.configuration.code;
  endsInObjects = host === null && logsObjects(loaded.config);
  const handover = await handoverToHere();
  // Before anything is opened or started: from here on a signal is an orderly end.
  const signals = new SignalInbox(libc(), terminal);
  const orphans = await adoptOrphans();
  const serviceManager = await findServiceManager();
  let process: ProcessSetup | null = null;
  try {
    // What starts are for has been done by the program that was here before.
    if (handover === null) await runHooksIfAny(loaded.config, "asap");
    else serviceManager?.takeOver();
    applyUmaskAndChdir(loaded.config, loaded);
    const log = await setUpLog(loaded.config, loaded, daemon, handover);
    process = await setUpProcess(loaded.config, loaded, log);
    setLogLevel(loaded.config.logLevel);
    const again = () => loadConfig(args, denoConfigSource(base, true));
    const outcome = await runInstance(loaded, {
      ...{ base, process, log, handover, signals, serviceManager, host },
      loadAgain: host === null ? again : () => inForeground(again()),
      openLog: ({ write, entries }) => configureLog(write, entries),
      role: host !== null ? null : {
        ...(daemon ? { [DAEMON_VARIABLE]: "1" } : {}),
        ...listenVariables(base.passedSockets),
        ...serviceManager?.environment,
        ...signals.environment,
      },
    });
    return codeOf(outcome, loaded.config, serviceManager);
  } catch (error) {
    process?.abort(error);
    if (error instanceof UserError) serviceManager?.failed(error);
    throw error;
  } finally {
    serviceManager?.close();
    orphans?.close();
    signals.close();
  }
}

/** The same without a daemon: whoever is at work in this process wants to see what becomes of it. */
function inForeground(loaded: Loaded): Loaded {
  const { config } = loaded;
  return config === null
    ? loaded
    : { ...loaded, config: { ...config, daemonize: "", daemonize2: "" } };
}

/** As process 1 the master inherits what has lost its parent. */
async function adoptOrphans(): Promise<OrphanReaper | null> {
  const c = Deno.pid === 1 ? libc() : null;
  return c &&
    new (await lazyImport<typeof import("../master/process/orphans.ts")>(
      import.meta.resolve("../master/process/orphans.ts"),
    )).OrphanReaper(c);
}

/** What the program that was here before has passed on; null: there was none. */
async function handoverToHere(): Promise<Handover | null> {
  return isHandedOver()
    ? (await lazyImport<typeof import("../master/upgrade/exec_master.ts")>(
      import.meta.resolve("../master/upgrade/exec_master.ts"),
    )).takeHandover(libc())
    : null;
}

async function findServiceManager(): Promise<ServiceManager | null> {
  if (!Deno.env.has("NOTIFY_SOCKET")) return null;
  return (await lazyImport<typeof import("../master/service_manager/service_manager.ts")>(
    import.meta.resolve("../master/service_manager/service_manager.ts"),
  )).findServiceManager();
}

/** True if this process is the daemon that another one of its kind has started. */
function takeDaemonRole(): boolean {
  const daemon = Deno.env.get(DAEMON_VARIABLE) !== undefined;
  Deno.env.delete(DAEMON_VARIABLE);
  return daemon;
}

/** Null: the log is plain lines on standard error. */
async function setUpLog(
  config: Config,
  { entries, problems }: Loaded,
  daemon: boolean,
  handover: Handover | null,
): Promise<LogFiles | null> {
  // Workers of the program before may have last words that this one has to write.
  const words = Object.values(handover?.credentials ?? {}).some((known) => known.words !== null);
  if (logKeysSet(config).length === 0 && !words) return null;
  const { LogFiles } = await lazyImport<typeof import("../master/logging/log_setup.ts")>(
    import.meta.resolve("../master/logging/log_setup.ts"),
  );
  const where = (key: keyof Config) => optionPlace(entries, key);
  const log = await LogFiles.begin(config, { where, daemon, first: handover === null });
  if (daemon) logProblems(problems);
  return log;
}

/** Null: the configuration asks for nothing of that. */
async function setUpProcess(
  config: Config,
  { entries }: Loaded,
  log: LogFiles | null,
): Promise<ProcessSetup | null> {
  if (processKeysSet(config).length === 0) return null;
  const { ProcessSetup } = await lazyImport<typeof import("../master/process/process_setup.ts")>(
    import.meta.resolve("../master/process/process_setup.ts"),
  );
  return ProcessSetup.begin(config, (key) => optionPlace(entries, key), log);
}

function help(topic: string | undefined): number {
  return answer(topic === undefined ? renderHelp() : renderOptionHelp(topic));
}

/** What was asked for goes to stdout, everything else to stderr. */
function answer(text: string): number {
  console.log(text.trimEnd());
  return EXIT.ok.code;
}

function complain(text: string): void {
  for (const line of text.split("\n")) console.error(`duwsgi: ${printable(line)}`);
}

/** Makes this process what the configuration says, before anything is looked for or created. */
function applyUmaskAndChdir({ umask, chdir }: Config, { entries }: Loaded): void {
  if (umask !== null) Deno.umask(umask);
  if (chdir === "") return;
  try {
    enterDirectory(chdir);
  } catch (error) {
    const reason = reasonOf(error);
    const place = optionPlace(entries, "chdir");
    throw new UserError("configuration", `Cannot change to "${chdir}" of ${place}: ${reason}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such directory";
  if (error instanceof Deno.errors.NotADirectory) return "it is no directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return errorText(error);
}

/** Goes on after mistakes in the configuration, so that one run names everything that is wrong. */
async function check(loaded: Loaded): Promise<number> {
  const { config, draft, entries } = loaded;
  const refusal = whyNoHandover();
  if (refusal !== null) complain(`error: ${refusal}`);
  if (refusal !== null) return EXIT.configuration.code;
  if (draft !== null && draft.script !== "") {
    applyUmaskAndChdir(draft, loaded);
    const checks = await lazyImport<typeof import("./check.ts")>(import.meta.resolve("./check.ts"));
    const certificates = await checks.checkCertificates(draft);
    const places = checks.checkPlaces(draft, entries);
    for (const warning of [...certificates.warnings, ...places.warnings]) {
      complain(`warning: ${warning}`);
    }
    const problems = [
      ...await checks.checkScript(draft, optionPlace(loaded.entries, "script")),
      ...await checks.metricFilesProblem(draft),
      ...certificates.problems,
      ...places.problems,
    ];
    for (const problem of problems) complain(`error: ${problem}`);
    if (problems.length > 0) return EXIT.configuration.code;
  }
  return config === null ? EXIT.configuration.code : answer("The configuration is good");
}

/** How the program ends; the last line of the log says why, unless it was stopped. */
function codeOf(
  outcome: MasterOutcome,
  { script }: Config,
  serviceManager: ServiceManager | null,
): number {
  if (outcome === "stopped") return EXIT.ok.code;
  if (outcome === "killed") return EXIT.killed.code;
  if (outcome === "noWorkerLeft") {
    logLine("error", "No worker is left: see the errors above", { event: "noWorkerLeft" });
    return EXIT.noWorkerLeft.code;
  }
  const text = noWorkerStarted(script);
  logLine("error", text, { event: "noWorkerStarted" });
  serviceManager?.failed(new UserError("noWorkerStarted", text));
  return EXIT.noWorkerStarted.code;
}
