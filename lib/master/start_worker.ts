/**
 * Runs in the master. Starts a process that has duwsgi's preload: a worker, or a mule.
 *
 * @module
 */

import { requestLogSettings } from "../config/request_log.ts";
import {
  encodeWorkerEnvironment,
  type InstanceFacts,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../protocol/worker_environment.ts";
import { lendDescriptors } from "../system/descriptor.ts";
import { DENO } from "../system/program.ts";
import { VERSION } from "../version.ts";
import type { Instruction } from "./master_setup.ts";
import type { Surroundings } from "./surroundings.ts";
import { telemetryEnvironment } from "./telemetry.ts";
import type { WorkerCommand } from "./worker_command.ts";

/** Starts the process. It inherits the descriptors that its environment names. */
export function startWorker(
  { libc, process }: Surroundings,
  command: WorkerCommand,
  environment: WorkerEnvironment,
): Deno.ChildProcess {
  const { sockets, scoreboard, stderr } = environment;
  const lent = [...sockets.flatMap((socket) => socket.fds), scoreboard, stderr];
  const telemetry = telemetryEnvironment(
    (name) => command.env[name] ?? Deno.env.get(name),
    environment,
    () => crypto.randomUUID(),
  );
  const spawn = () =>
    new Deno.Command(DENO, {
      args: [...command.args],
      env: {
        ...command.env,
        ...telemetry,
        [WORKER_VARIABLE]: encodeWorkerEnvironment(environment),
      },
      stdin: "null",
      stdout: "inherit",
      stderr: "piped",
      // A session of its own, which keeps Ctrl-C away, costs the master less when the worker makes it.
      detached: libc === null,
    }).spawn();
  return lendDescriptors(
    libc,
    lent.filter((fd) => fd !== null),
    () => process?.affinity?.during(environment.slot, spawn) ?? spawn(),
  );
}

/** Writes the file with what is the same for all processes of a generation. */
export function writeFacts(
  { config, opt }: Instruction,
  { startedOn, metrics }: Surroundings,
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
  };
  Deno.writeTextFileSync(path, JSON.stringify(facts));
}
