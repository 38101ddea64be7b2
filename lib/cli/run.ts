/**
 * What the program does, in order: read the configuration, answer a question or open the sockets, run
 * the master, clean up. The only place that turns an error into a line on stderr and an exit code.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { difference } from "../config/difference.ts";
import { loadConfig, type Loaded } from "../config/load.ts";
import type { Problem } from "../config/problem.ts";
import { optionsForModule, showConfig } from "../config/show_config.ts";
import { configureLog, logLine } from "../master/log.ts";
import { type Instruction, runMaster } from "../master/master.ts";
import type { OrphanReaper } from "../master/orphans.ts";
import type { ServiceManager } from "../master/service_manager.ts";
import { SignalInbox } from "../master/signals.ts";
import { closeSurroundings, openSurroundings } from "../master/surroundings.ts";
import { captureBase, denoConfigSource } from "../system/config_source.ts";
import { libc } from "../system/libc.ts";
import type { PassedSocket } from "../system/passed_sockets.ts";
import { fulfilledWithin } from "../system/timing.ts";
import { VERSION } from "../version.ts";
import { banner } from "./banner.ts";
import { EXIT, UserError } from "./exit_code.ts";

/** The first log lines wait for the workers to accept, but not longer than this (200 ms). */
const LOG_DELAY_MS = 200;

/** Runs the program with these arguments and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await perform(args);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    complain(error.message);
    return EXIT[error.exit].code;
  }
}

async function perform(args: readonly string[]): Promise<number> {
  const base = captureBase();
  const loaded = loadConfig(args, denoConfigSource(base, false));
  const { kind, topic } = loaded.command;
  if (kind === "help") return await help(topic);
  if (kind === "version") return answer(`duwsgi ${VERSION} (Deno ${Deno.version.deno})`);
  for (const { message, severity } of loaded.problems) complain(`${severity}: ${message}`);
  if (kind === "check") return await check(loaded);
  if (loaded.config === null) return EXIT.configuration.code;
  if (kind === "show-config") return answer(showConfig(loaded));
  enter(loaded.config);
  return await serve(loaded, {
    passedSockets: base.passedSockets,
    loadAgain: () => loadConfig(args, denoConfigSource(base, true)),
  });
}

async function help(topic: string | undefined): Promise<number> {
  // Whoever serves needs no help: what only other commands need is not loaded before they do.
  const { renderHelp, renderOptionHelp } = await import("./help.ts");
  return answer(topic === undefined ? renderHelp() : renderOptionHelp(topic));
}

/** What was asked for goes to stdout, everything else to stderr. */
function answer(text: string): number {
  console.log(text.trimEnd());
  return EXIT.ok.code;
}

function complain(text: string): void {
  for (const line of text.split("\n")) console.error(`duwsgi: ${line}`);
}

/** Makes this process what the configuration says, before anything is looked for or created. */
function enter(config: Config): void {
  if (config.umask !== null) Deno.umask(config.umask);
  if (config.chdir === "") return;
  try {
    Deno.chdir(config.chdir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError("configuration", `Cannot change to the directory of chdir: ${reason}`);
  }
}

/** Goes on after mistakes in the configuration, so that one run names everything that is wrong. */
async function check({ config, draft }: Loaded): Promise<number> {
  if (draft !== null && draft.script !== "") {
    enter(draft);
    const { checkScript } = await import("./check.ts");
    const problems = await checkScript(draft);
    for (const problem of problems) complain(`error: ${problem}`);
    if (problems.length > 0) return EXIT.configuration.code;
  }
  return config === null ? EXIT.configuration.code : answer("The configuration is good");
}

/** What this process was started with. */
interface Circumstances {
  readonly passedSockets: readonly PassedSocket[];
  readonly loadAgain: () => Loaded;
}

async function serve(loaded: Loaded, circumstances: Circumstances): Promise<number> {
  const instruction = instructionOf(loaded);
  if (instruction === null) return EXIT.configuration.code;
  // Before anything is opened: from here on a signal is an orderly end.
  const signals = new SignalInbox();
  const orphans = await adoptOrphans();
  const serviceManager = await findServiceManager();
  try {
    return await runInstance(instruction, { ...circumstances, signals, serviceManager });
  } catch (error) {
    if (error instanceof UserError) serviceManager?.failed(error);
    throw error;
  } finally {
    serviceManager?.close();
    orphans?.close();
    signals.close();
  }
}

/** As process 1 the master inherits what has lost its parent. */
async function adoptOrphans(): Promise<OrphanReaper | null> {
  const c = Deno.pid === 1 ? libc() : null;
  return c && new (await import("../master/orphans.ts")).OrphanReaper(c);
}

async function findServiceManager(): Promise<ServiceManager | null> {
  if (!Deno.env.has("NOTIFY_SOCKET")) return null;
  return (await import("../master/service_manager.ts")).findServiceManager();
}

/** What accompanies an instance from the first to the last. */
interface Company extends Circumstances {
  readonly signals: SignalInbox;
  readonly serviceManager: ServiceManager | null;
}

async function runInstance(instruction: Instruction, company: Company): Promise<number> {
  const { config } = instruction;
  const { passedSockets, loadAgain, signals, serviceManager } = company;
  requireScript(config.script);
  const surroundings = await openSurroundings(config, passedSockets);
  for (const line of banner(config, surroundings)) logLine("info", line, { event: "banner" });
  const ready = Promise.withResolvers<void>();
  const running = runMaster({
    instruction,
    surroundings,
    signals,
    serviceManager,
    readAgain: (current) => readAgain(current, loadAgain()),
    onReady: ready.resolve,
  });
  // Loading the log's library takes a master's time that its starting workers need.
  await fulfilledWithin(Promise.race([ready.promise, running]), LOG_DELAY_MS);
  await configureLog(config.logEncoder, surroundings.write);
  const outcome = await running;
  closeSurroundings(surroundings, config.vacuum || outcome === "noWorkerStarted");
  if (outcome === "stopped") return EXIT.ok.code;
  if (outcome === "killed") return EXIT.killed.code;
  const text = `No worker of ${config.script} could start, so there is nothing to serve: ` +
    "see the errors above";
  logLine("error", text, { event: "noWorkerStarted" });
  serviceManager?.failed(new UserError("noWorkerStarted", text));
  return EXIT.noWorkerStarted.code;
}

function instructionOf(loaded: Loaded): Instruction | null {
  const { config, entries } = loaded;
  return config === null ? null : { config, opt: optionsForModule(entries) };
}

function requireScript(script: string): void {
  try {
    if (Deno.statSync(script).isFile) return;
  } catch {
    // The same message for every reason: the user looks at the path.
  }
  throw new UserError(
    "configuration",
    `Cannot find the script "${script}" of deno-worker-override in ${Deno.cwd()}`,
  );
}

/** The configuration for a reload: null if it is no good, and what needs a restart stays as it is. */
function readAgain(current: Config, loaded: Loaded): Instruction | null {
  logProblems(loaded.problems);
  const instruction = instructionOf(loaded);
  if (instruction === null) return null;
  const kept: Partial<Record<keyof Config, unknown>> = {};
  for (const { key, option, onChange } of difference(current, instruction.config)) {
    if (onChange !== "restart") continue;
    kept[key] = current[key];
    const text = `${option} has changed, which takes effect only after a restart`;
    logLine("warning", text, { event: "needsRestart", option });
  }
  return { ...instruction, config: { ...instruction.config, ...kept as Partial<Config> } };
}

function logProblems(problems: readonly Problem[]): void {
  for (const { severity, message } of problems) {
    if (severity === "error") logLine("error", message, { event: "problem" });
    else logLine("warning", message, { event: "problem" });
  }
}
