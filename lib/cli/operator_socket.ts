/**
 * The socket on which a master answers operators: where it is, and a call to it.
 *
 * @module
 */

import { resolve } from "../paths.ts";
import { loadConfig } from "../config/load.ts";
import { type Answer, decodeAnswer, type Request } from "../control/message.ts";
import { Channel } from "../protocol/channel.ts";
import { denoConfigSource, type SourceBase } from "../system/config_source.ts";
import { fulfilledWithin } from "../system/timing.ts";
import { UserError } from "./exit_code.ts";
import { operatorSocketOf, pidIn, unreachable } from "./find_master.ts";
import type { Target } from "./operator_arguments.ts";

/**
 * How the socket of a master is found, when it is time to.
 *
 * @returns The path; calling it throws a {@linkcode UserError} if there is no such master.
 */
export function socketOf(target: Target, base: SourceBase): () => string {
  switch (target.kind) {
    case "socket":
      return () => target.path;
    case "pid":
      return () => operatorSocketOf(target.pid, "--pid");
    case "pidfile":
      return () => socketOfPidfile(target.path);
    case "ini":
      return () => socketOfIni(target.path, base);
  }
}

function socketOfPidfile(path: string): string {
  return operatorSocketOf(pidIn(path), `the pidfile "${path}"`);
}

function socketOfIni(file: string, base: SourceBase): string {
  const { controlSocket, pidfile } = waysOfIni(file, base);
  if (controlSocket !== null) return controlSocket;
  if (pidfile !== null) return socketOfPidfile(pidfile);
  throw new UserError(
    "configuration",
    `${file} has neither control-socket nor pidfile: add one, or name the master with --pid N`,
  );
}

/** How the master of a configuration can be reached, with absolute paths. Null: not in that way. */
export interface Ways {
  readonly controlSocket: string | null;
  readonly pidfile: string | null;
  /** Address of its stats server. */
  readonly stats: string | null;
}

/** Mistakes in the configuration do not matter: nobody is to be kept from stopping a master. */
export function waysOfIni(file: string, base: SourceBase): Ways {
  const { draft, entries } = loadConfig(["--ini", file], denoConfigSource(base, false));
  const last = (names: RegExp) => entries.findLast(({ key }) => names.test(key))?.value ?? null;
  const at = (path: string | null) =>
    path === null || path === "" ? null : resolve(base.cwd, draft?.chdir ?? "", path);
  const stats = last(/^stats(-server)?$/);
  return {
    controlSocket: at(draft?.controlSocket ?? null),
    pidfile: at(last(/^(safe-)?pidfile2?$/)),
    // Without a colon it is a path, unless it is an abstract name.
    stats: stats === null || /^@|:/.test(stats) ? stats : at(stats),
  };
}

/**
 * Calls a master.
 *
 * @throws {UserError} If none answers there.
 */
export async function connectOperator(path: string): Promise<Deno.UnixConn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    const why = (reason: string) => unreachable(`No master answers at "${path}": ${reason}`);
    if (error instanceof Deno.errors.NotFound) throw why("there is no such socket");
    if (error instanceof Deno.errors.ConnectionRefused) {
      throw why("nobody listens, the socket was left behind");
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw why("permission denied: run it as the user of the master, or as root");
    }
    throw why(error instanceof Error ? error.message : String(error));
  }
}

/** A master answers at once (10 s). */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Asks a master one thing, and returns its first answer.
 *
 * @throws {UserError} If it does not answer.
 */
export async function askOperator(path: string, command: Request["command"]): Promise<Answer> {
  const channel = new Channel<Answer, Request>(await connectOperator(path), decodeAnswer);
  try {
    channel.send({ command, argument: null, wait: false });
    const first = channel.receive().next();
    if (!await fulfilledWithin(first, ANSWER_TIMEOUT_MS)) {
      throw unreachable(`No answer to ${command} within ${ANSWER_TIMEOUT_MS / 1000} s`);
    }
    const { value, done } = await first;
    if (done === true) throw unreachable("The master went away before it answered");
    return value;
  } finally {
    channel.close();
  }
}
