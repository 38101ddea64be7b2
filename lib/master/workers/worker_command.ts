/**
 * Runs in the master. The command line of a worker: `deno run` of the user's own script, with duwsgi's
 * preload before it and its import map merged in.
 *
 * @module
 */

import { readRegularText } from "../../system/files/regular_file.ts";
import { fromFileUrl, modulePath, toFileUrl } from "../../paths.ts";
import type { Config } from "../../config/config.ts";
import { shapesLog, shapesRequests } from "../../config/log_needs.ts";
import { usesMetrics } from "../../config/options/metrics.ts";
import { isSandboxed } from "../../config/options/permissions.ts";
import { namedSet, permissionFlags } from "../../config/values/deno_flags.ts";
import { expectsProxyHeader, speaksUwsgi } from "../../config/options/proxy.ts";
import { requestLogSettings } from "../../config/request_log.ts";
import type { WallStatus } from "../../control/status.ts";
import { lazyImport } from "../../lazy_import.ts";
import { type SandboxPlan, WORKER_VARIABLE } from "../../protocol/worker_environment.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { removeUseless } from "../../system/files/owned_path.ts";
import { readScriptLayers } from "../deno_project/script_config.ts";
import { ownDirectory } from "../../system/files/working_directory.ts";
import { type ImportMap, mergeImportMaps, replacedUwsgi } from "../deno_project/import_map.ts";
import { binaryWorker, isBinary, whyNotInBinary } from "../../system/process/standalone.ts";
import { importMapFlags } from "../deno_project/import_map_flags.ts";
import type { LandlockPlan } from "./landlock/facts.ts";
import { workerName } from "../process/process_names.ts";
import { withRealPaths } from "./real_paths.ts";
import { type GenerationPaths, generationPathsNow } from "../process/generation_paths.ts";
import type { PermissionSet } from "./permission_set.ts";
import type { Sandbox } from "./sandbox.ts";

/** What each worker runs before the script. */
const PRELOAD: URL = new URL("../../worker/preload.ts", import.meta.url);
/** What it runs as well if it is to have a name of its own. */
const NAMING = new URL("../../worker/name_process.ts", import.meta.url);
/** What it runs as well if there are metrics. */
const METRICS = new URL("../../worker/metrics/metrics.ts", import.meta.url);
/** What it runs as well if a socket speaks the uwsgi protocol. */
const UWSGI_PROTOCOL = new URL("../../worker/uwsgi_protocol/preload.ts", import.meta.url);
/** What it runs as well if connections begin with a header of the PROXY protocol. */
const PROXY_PROTOCOL = new URL("../../worker/proxy_protocol/preload.ts", import.meta.url);
/** What it runs as well if proxies are believed; the request log believes them then, too. */
const FORWARDED = new URL("../../worker/forwarded/preload.ts", import.meta.url);
/** What it runs as well if it is to log requests. */
const REQUEST_LOG = new URL("../../worker/request_log/preload.ts", import.meta.url);
/** What it runs as well if its log lines have targets or a form of their own. */
const LOG_TARGETS = new URL("../../worker/logging/log_to_targets.ts", import.meta.url);
/** What it runs as well if there are TLS sockets. */
const TLS = new URL("../../worker/tls/preload.ts", import.meta.url);
/** What it runs as well if its script may listen by itself. */
const APPS = new URL("../../worker/apps/preload.ts", import.meta.url);
/** What it runs as well if it has to answer a question before it accepts. */
const PROBE = new URL("../../worker/probe/preload.ts", import.meta.url);
/** What it runs as well if it is to be a sandbox: others load that later. */
const CLIENTS = new URL("../../worker/clients/preload.ts", import.meta.url);
/** What it runs last if it is to be a sandbox. */
const SANDBOX = new URL("../../worker/sandbox/preload.ts", import.meta.url);
const OWN_MODULES = new URL("../../", import.meta.url);
const MODULE = new URL("../../worker/uwsgi.ts", import.meta.url);

/** What all workers of one generation are started with. */
export interface WorkerCommand {
  readonly args: readonly string[];
  /** Where they run. */
  readonly cwd: string;
  /** How they become sandboxes; null: they are none. */
  readonly sandbox: SandboxPlan | null;
  /** What Landlock is to restrict them to; null: nothing. */
  readonly landlock: LandlockPlan | null;
  /** Their import map, as it was written; null: they have none. */
  readonly importMap: { readonly path: string; readonly text: string } | null;
  /** False: what they write to the log goes through the master, which has the targets. */
  readonly ownLog: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** What the user should know about the import map and the sandbox; empty: nothing. */
  readonly notes: readonly string[];
}

/**
 * Writes the merged import map and composes the command.
 *
 * @param run What tells its import map from others: the generation, or the mule.
 * @param directory The master's own directory, where the import map is written.
 * @param place Where the processes run, and what. @default What the configuration leads to now
 * @throws {Error} If the script's own configuration cannot be read; the message names the file.
 * @throws {PlainJsonError} If it takes {@linkcode loadJsonParser}.
 * @throws {SandboxMissing} If it takes {@linkcode loadSandbox}.
 */
export function workerCommand(
  config: Config,
  run: string,
  directory: string,
  place: GenerationPaths = generationPathsNow(config),
): WorkerCommand {
  const isBehindLink = place.name !== place.directory ||
    absolutePath(config.script) !== place.script;
  return within(place.directory, () =>
    composed(
      { ...(isBehindLink ? withRealPaths(config) : config), script: place.script },
      run,
      directory,
      place.directory,
    ));
}

/** `config`: with the script's real path. `cwd`: the working directory. */
function composed(config: Config, run: string, directory: string, cwd: string): WorkerCommand {
  const { script } = config;
  const preloads = preloadsFor(config, script);
  const own = Object.fromEntries(config.env);
  if (isBinary()) {
    const problem = whyNotInBinary(config.denoFlags, isSandboxed(config));
    if (problem !== null) throw new Error(problem);
    const toRun = { preloads: preloads.map(({ href }) => href), script: toFileUrl(script).href };
    const { args, env } = binaryWorker(toRun, config.workerArgv);
    return {
      args,
      cwd,
      env: { ...own, ...env },
      notes: [],
      sandbox: null,
      landlock: null,
      importMap: null,
      ownLog: true,
    };
  }
  const flags = importMapFlags(config.denoFlags);
  const { layers, configFile, folders } = readScriptLayers(script, flags);
  const mapPath = importMapPath(directory, run);
  const map = mergeImportMaps(layers, MODULE.href, toFileUrl(mapPath).href);
  const text = JSON.stringify(map);
  Deno.writeTextFileSync(mapPath, text);
  const sandbox = sandboxFor(config, directory, configFile, map);
  const args = [
    "run",
    ...sandbox?.flags ?? grantedFlags(config, directory, configFile),
    "--unstable-net",
    `--import-map=${mapPath}`,
    ...preloads.map((url) => `--preload=${modulePath(url)}`),
    ...flags.rest,
    config.script,
    ...config.workerArgv,
  ];
  const replaced = replacedUwsgi(layers).map((url) =>
    `The import "uwsgi" of ${url} is replaced by duwsgi's own module`
  );
  const notes = [...replaced, ...sandbox?.notes ?? []];
  const ownLog = sandbox === null || !shapesLines(config);
  const landlock = sandbox === null || !config.sandboxWalls.walls.includes("landlock") ? null : {
    granted: sandbox.allowed,
    script,
    preloads: preloads.map(modulePath),
    importMap: mapPath,
    projects: folders,
    configFiles: layers.map(({ url }) => fromFileUrl(url)),
    denoFlags: config.denoFlags,
    importFlags: sandbox.flags.filter((flag) => IMPORT_FLAG.test(flag)),
    env: own,
    cwd,
    opensLog: ownLog,
  };
  const importMap = { path: mapPath, text };
  return {
    args,
    cwd,
    env: own,
    notes,
    sandbox: sandbox?.plan ?? null,
    landlock,
    importMap,
    ownLog,
  };
}

/** Does it in a directory: flags and the script's configuration have paths that start there. */
function within<T>(directory: string, action: () => T): T {
  const before = ownDirectory();
  if (before === directory) return action();
  Deno.chdir(directory);
  try {
    return action();
  } finally {
    // One that was removed, or that only root could enter, cannot be entered again.
    if (before !== null) tryToEnter(before);
  }
}

function tryToEnter(directory: string): void {
  try {
    Deno.chdir(directory);
  } catch {
    // Where this process is now is as good.
  }
}

let sandboxes: typeof import("./sandbox.ts") | null = null;

/** What makes sandboxes is not loaded yet. */
export class SandboxMissing extends Error {}

/** Loads what {@linkcode workerCommand} needs where workers are sandboxes. */
export async function loadSandbox(config: Config): Promise<void> {
  if (!needsSandbox(config)) return;
  sandboxes = await lazyImport<typeof import("./sandbox.ts")>(import.meta.resolve("./sandbox.ts"));
}

/**
 * The kernel's walls around the workers of this configuration.
 *
 * @param pids The workers whose scripts run.
 * @returns Empty: they are no sandboxes.
 */
export function sandboxWalls(config: Config, pids: readonly number[]): readonly WallStatus[] {
  return isSandboxed(config) ? sandboxes?.wallStatus(config.sandboxWalls, pids) ?? [] : [];
}

/** True if {@linkcode loadSandbox} has nothing to load. */
export function canCompose(config: Config): boolean {
  return sandboxes !== null || !needsSandbox(config);
}

function needsSandbox(config: Config): boolean {
  return isSandboxed(config) || namedSet(config.denoFlags) !== null;
}

function sandboxFor(
  config: Config,
  directory: string,
  configFile: string | null,
  map: ImportMap,
): Sandbox | null {
  if (!isSandboxed(config)) return null;
  if (sandboxes === null) throw new SandboxMissing("Cannot make sandboxes yet: try again");
  sandboxes.refuseOwnImports(map, OWN_MODULES.href);
  return sandboxes.sandbox(config, directory, configFile);
}

/** What is evaluated before the script. */
function preloadsFor(config: Config, script: string): readonly URL[] {
  return [
    PRELOAD,
    ...workerName(config, 1) === null ? [] : [NAMING],
    ...shapesLines(config) && !isSandboxed(config) ? [LOG_TARGETS] : [],
    ...usesMetrics(config) ? [METRICS] : [],
    ...speaksUwsgi(config) ? [UWSGI_PROTOCOL] : [],
    ...expectsProxyHeader(config) ? [PROXY_PROTOCOL] : [],
    ...config.forwardedAllowIps.length === 0 ? [] : [FORWARDED],
    ...requestLogSettings(config) === null ? [] : [REQUEST_LOG],
    ...config.sockets.some(({ tls }) => tls !== undefined) ? [TLS] : [],
    ...config.autoAccept && !asksForSockets(script) ? [APPS] : [],
    ...config.acceptingProbe === "" ? [] : [PROBE],
    // The last one: what the others need is not there any more.
    ...isSandboxed(config) ? [CLIENTS, SANDBOX] : [],
  ];
}

/** True if what they write to the log has targets or a form of its own. */
function shapesLines(config: Config): boolean {
  return shapesLog(config) || shapesRequests(config);
}

/** What decides which modules Deno may fetch. */
const IMPORT_FLAG = /^--((allow|deny)-import|cached-only|no-remote|no-npm)\b/;

const IMPORT_OF_UWSGI = /\b(from|import)\s*(?:\(\s*)?["']uwsgi["']/;

/**
 * True if the script itself imports `uwsgi`, which spares its workers the modules for those that do not.
 * Where one of its own modules does so, the worker notices.
 */
function asksForSockets(script: string): boolean {
  try {
    return IMPORT_OF_UWSGI.test(readRegularText(script));
  } catch {
    // The worker says what is wrong with it.
    return false;
  }
}

/** Where the import map of a generation, or of a mule, is written. */
export function importMapPath(directory: string, run: string): string {
  return `${directory}/import_map_${run}.json`;
}

/** Removes what was written for a command that is used no more. */
export function forgetCommand(directory: string, run: string): void {
  if (!isBinary()) removeUseless(importMapPath(directory, run));
}

/**
 * Workers may do everything, unless a `deno-flag` says what they may do; then they get that, and what
 * they need to reach the master.
 */
function grantedFlags(config: Config, directory: string, configFile: string | null): string[] {
  const own = config.denoFlags.flatMap(permissionFlags);
  if (own.some(({ name }) => name === "--allow-all")) return [];
  if (own.every(({ name }) => /^--(deny|ignore)-/.test(name))) return ["--allow-all"];
  const set = namedSet(config.denoFlags);
  // A flag beside a set replaces what the set says of its kind, so what the set allows is said again.
  const said = set === null ? {} : saidBySet(set, configFile);
  const needed = {
    read: directory,
    write: directory,
    // The second one is for the listeners in whose place the inherited sockets are put, and behind the
    // PROXY protocol a worker talks to itself.
    net: `unix:${directory}/control.sock,127.0.0.1${expectsProxyHeader(config) ? "" : ":0"}`,
    env: WORKER_VARIABLE,
  };
  return [
    "--no-prompt",
    ...(["read", "write", "net", "env"] as const).flatMap((kind) => {
      const flags = own.filter(({ name }) => name === `--allow-${kind}`);
      // A flag without a value allows everything of its kind; a list beside it would narrow it.
      if (flags.some(({ value }) => value === null)) return [];
      const { allow, deny } = said[kind] ?? { allow: null, deny: null };
      const given = flags.length > 0 ? [] : allow ?? [];
      if (given === true) return [];
      const denied = own.some(({ name }) => name === `--deny-${kind}`) ? null : deny;
      return [
        `--allow-${kind}=${[...given, needed[kind]].join(",")}`,
        ...(denied === true ? [`--deny-${kind}`] : []),
        ...(Array.isArray(denied) && denied.length > 0
          ? [`--deny-${kind}=${denied.join(",")}`]
          : []),
      ];
    }),
  ];
}

/** What a permission set of the script's deno.json says. */
function saidBySet(name: string, configFile: string | null): PermissionSet {
  if (sandboxes === null) throw new SandboxMissing("Cannot read permission sets yet: try again");
  return sandboxes.permissionSetOf(name, configFile);
}
