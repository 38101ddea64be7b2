/**
 * Runs in the master. Starts a process that has duwsgi's preload: a worker, or a mule.
 *
 * @module
 */

import { clientLimits } from "../../config/options/clients.ts";
import { isSandboxed } from "../../config/options/permissions.ts";
import { proxySettings } from "../../config/options/proxy.ts";
import { requestLogSettings } from "../../config/request_log.ts";
import {
  encodeWorkerEnvironment,
  type GenerationInfo,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../../protocol/worker_environment.ts";
import type { Config } from "../../config/config.ts";
import type { WallStatus } from "../../control/status.ts";
import { lazyImport } from "../../lazy_import.ts";
import { lendDescriptors } from "../../system/descriptor.ts";
import { DENO } from "../../system/process/program.ts";
import { ownDirectory, writtenDirectory } from "../../system/files/working_directory.ts";
import { VERSION } from "../../version.ts";
import type { ChildSpawner } from "./landlock/confined_spawner.ts";
import type { Confined, Confinement } from "./landlock/confinement.ts";
import type { Resources } from "../resources.ts";
import { existingDirectory } from "../process/working_directory.ts";
import { telemetryEnvironment } from "./otel_environment.ts";
import type { WorkerCommand } from "./worker_command.ts";
import type { ChildHandle } from "./worker_process.ts";
import type { RunConfig } from "../run_config.ts";

/**
 * Starts the process. It inherits the descriptors that its environment names.
 *
 * @param spawner Starts it with restrictions; null: it has none.
 * @throws {Error} If the import map is not what was written for the generation.
 */
export function startWorker(
  { libc, process, log }: Resources,
  command: WorkerCommand,
  environment: WorkerEnvironment,
  spawner: ChildSpawner | null = null,
): ChildHandle {
  refuseChangedMap(command);
  const { sockets, scoreboard, stderr, words, certificates } = environment;
  const lent = [
    ...sockets.flatMap((socket) => socket.fds),
    scoreboard,
    stderr,
    certificates,
    words?.write ?? null,
    words?.read ?? null,
    ...log?.descriptors ?? [],
  ];
  const telemetry = telemetryEnvironment(
    (name) => command.env[name] ?? Deno.env.get(name),
    environment,
    () => crypto.randomUUID(),
  );
  const shaped = log?.shapesOutput === true;
  const env = {
    // Half a second after its start each would ask for a newer Deno: 3 MB, for words that nobody reads.
    DENO_NO_UPDATE_CHECK: "1",
    // Nobody sees colours in what is encoded, or in a file.
    ...(shaped || !Deno.stderr.isTerminal() ? { NO_COLOR: "1" } : {}),
    ...command.env,
    ...telemetry,
    [WORKER_VARIABLE]: encodeWorkerEnvironment(environment),
  };
  // Its own is inherited, also where this user could not enter it any more.
  const directory = existingDirectory(command.cwd, writtenDirectory());
  const place = directory === ownDirectory() ? {} : { cwd: directory };
  const descriptors = lent.filter((fd) => fd !== null);
  if (spawner !== null) {
    const cpus = process?.affinity?.setOf(environment.slot) ?? null;
    const { args } = command;
    return lendDescriptors(
      libc,
      descriptors,
      () => spawner.spawn({ program: DENO, args, ...place, env, stdout: shaped, cpus }),
    );
  }
  const spawn = () =>
    new Deno.Command(DENO, {
      args: [...command.args],
      ...place,
      env,
      stdin: "null",
      // What it prints by itself is put into the form of the log as well.
      stdout: shaped ? "piped" : "inherit",
      stderr: "piped",
      // A session of its own, which keeps Ctrl-C away, costs the master less when the worker makes it.
      detached: libc === null,
    }).spawn();
  const child = lendDescriptors(
    libc,
    descriptors,
    () => process?.affinity?.during(environment.slot, spawn) ?? spawn(),
  );
  return {
    pid: child.pid,
    status: child.status,
    stderr: child.stderr,
    stdout: shaped ? child.stdout : null,
    kill: (signal) => child.kill(signal),
  };
}

/** For processes that Landlock has nothing to do with. */
const UNCONFINED: Confined = { spawner: null, why: "" };

/** Landlock around workers, or around mules, which is loaded when a configuration asks for it. */
export class LazyConfinement {
  readonly #resources: Resources;
  /** Null: nobody was ever restricted. */
  #loaded: Confinement | null = null;

  /** Nothing is loaded yet. */
  constructor(resources: Resources) {
    this.#resources = resources;
  }

  /** How processes of this name are started; undefined: that takes {@linkcode prepare}. */
  current(name: string, { landlock }: WorkerCommand): Confined | undefined {
    return landlock === null ? UNCONFINED : this.#loaded?.current(name);
  }

  /**
   * Prepares that.
   *
   * @throws {Error} If the configuration requires restrictions, and they cannot be had.
   */
  async prepare(name: string, { landlock }: WorkerCommand, config: Config): Promise<Confined> {
    if (landlock === null) return UNCONFINED;
    const { openConfinement } = await lazyImport<typeof import("./landlock/confinement.ts")>(
      import.meta.resolve("./landlock/confinement.ts"),
    );
    this.#loaded ??= openConfinement(this.#resources);
    return await this.#loaded.prepare(name, landlock, config.sandboxWalls.required);
  }

  /** Nobody of this name is started any more, or what was prepared for them may be outdated. */
  forget(name: string): void {
    this.#loaded?.forget(name);
  }

  /** What the kernel refuses processes of this name, beside their permissions. */
  walls(name: string, config: Config): readonly WallStatus[] {
    if (!isSandboxed(config)) return [];
    if (!config.sandboxWalls.walls.includes("landlock")) {
      return [{ wall: "landlock", holds: false, why: "not asked for" }];
    }
    const { spawner, why } = this.#loaded?.known(name) ??
      { spawner: null, why: "no worker was started" };
    return [{ wall: "landlock", holds: spawner !== null, why: spawner === null ? why : null }];
  }

  /** Ends the threads that start restricted processes; all of these have ended. */
  close(): void {
    this.#loaded?.close();
  }
}

/** Through the import map a worker would load other modules of duwsgi, before it is a sandbox. */
function refuseChangedMap({ importMap, sandbox }: WorkerCommand): void {
  if (importMap === null || sandbox === null) return;
  if (Deno.readTextFileSync(importMap.path) === importMap.text) return;
  throw new Error(
    `${importMap.path} is not what the master has written: a worker, or another program of this user, ` +
      "has changed it; a reload writes it anew",
  );
}

/**
 * Writes the file with what is the same for all processes of a generation.
 *
 * @returns Its text.
 */
export function writeFacts(
  { config, opt }: RunConfig,
  { startedOn, metrics, log }: Resources,
  path: string,
): string {
  const facts: GenerationInfo = {
    version: VERSION,
    hostname: Deno.hostname(),
    startedOn,
    numproc: config.processes,
    mules: config.mules.length,
    metrics: metrics.places(config),
    opt,
    requestLog: requestLogSettings(config),
    log: log?.plan ?? null,
    ownConsole: !exportsConsole(config.env),
    socketMap: config.socketMap.map(({ asked, socket }) => ({ asked, socket })),
    proxies: proxySettings(config),
    startTimeoutMs: config.startTimeoutMs,
    clients: clientLimits(config),
    probe: config.acceptingProbe === ""
      ? null
      : { path: config.acceptingProbe, timeoutMs: config.acceptingProbeTimeoutMs },
  };
  const text = JSON.stringify(facts);
  Deno.writeTextFileSync(path, text);
  return text;
}

/** True if Deno's OpenTelemetry takes what `console` prints, for which it has a console of its own. */
function exportsConsole(env: Config["env"]): boolean {
  const value = env.findLast(([name]) => name === "OTEL_DENO")?.[1] ?? Deno.env.get("OTEL_DENO");
  return value === "1" || value === "true";
}
