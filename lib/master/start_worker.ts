/**
 * Runs in the master. Starts a process that has duwsgi's preload: a worker, or a mule.
 *
 * @module
 */

import { clientLimits } from "../config/options/clients.ts";
import { proxySettings } from "../config/options/proxy.ts";
import { requestLogSettings } from "../config/request_log.ts";
import {
  encodeWorkerEnvironment,
  type InstanceFacts,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../protocol/worker_environment.ts";
import type { Config } from "../config/config.ts";
import { lendDescriptors } from "../system/descriptor.ts";
import { DENO } from "../system/program.ts";
import { VERSION } from "../version.ts";
import type { Instruction } from "./master_setup.ts";
import type { Surroundings } from "./surroundings.ts";
import { telemetryEnvironment } from "./telemetry.ts";
import type { WorkerCommand } from "./worker_command.ts";
import type { ChildHandle } from "./worker_process.ts";

/** Starts the process. It inherits the descriptors that its environment names. */
export function startWorker(
  { libc, process, log }: Surroundings,
  command: WorkerCommand,
  environment: WorkerEnvironment,
): ChildHandle {
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
  const spawn = () =>
    new Deno.Command(DENO, {
      args: [...command.args],
      env: {
        // Half a second after its start each would ask for a newer Deno: 3 MB, for words that nobody reads.
        DENO_NO_UPDATE_CHECK: "1",
        // Nobody sees colours in what is encoded.
        ...(shaped ? { NO_COLOR: "1" } : {}),
        ...command.env,
        ...telemetry,
        [WORKER_VARIABLE]: encodeWorkerEnvironment(environment),
      },
      stdin: "null",
      // What it prints by itself is put into the form of the log as well.
      stdout: shaped ? "piped" : "inherit",
      stderr: "piped",
      // A session of its own, which keeps Ctrl-C away, costs the master less when the worker makes it.
      detached: libc === null,
    }).spawn();
  const child = lendDescriptors(
    libc,
    lent.filter((fd) => fd !== null),
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

/** Writes the file with what is the same for all processes of a generation. */
export function writeFacts(
  { config, opt }: Instruction,
  { startedOn, metrics, log }: Surroundings,
  path: string,
): void {
  const facts: InstanceFacts = {
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
    clients: clientLimits(config),
  };
  Deno.writeTextFileSync(path, JSON.stringify(facts));
}

/** True if Deno's OpenTelemetry takes what `console` prints, for which it has a console of its own. */
function exportsConsole(env: Config["env"]): boolean {
  const value = env.findLast(([name]) => name === "OTEL_DENO")?.[1] ?? Deno.env.get("OTEL_DENO");
  return value === "1" || value === "true";
}
