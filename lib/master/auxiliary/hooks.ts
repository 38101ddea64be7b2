/**
 * Runs in the master. Does what hooks say.
 *
 * @module
 */

import { EarlyExit, errorText, UserError } from "../../errors.ts";
import { parseAddress } from "../../system/sockets/address.ts";
import type { Config } from "../../config/config.ts";
import type { HookActionName, HookLine } from "../../config/values/hook_line.ts";
import { type HookPhase, hooksOf } from "../../config/options/hooks.ts";
import { formatOrigin } from "../../config/problem.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { pause } from "../../system/timing.ts";
import { logLine } from "../log.ts";
import { logChildLine } from "../logging/child_output.ts";
import { type ChildOptions, ShellCommand } from "./child.ts";
import { environmentOf } from "./daemons.ts";
import {
  appendFile,
  changeMode,
  changeOwner,
  makeDirectory,
  makeSticky,
  removeFile,
  writeFifo,
  writeFile,
} from "./file_actions.ts";

/** How long `wait_for_…` waits (60 s), as in uWSGI, and how often it looks (1 s). */
const WAIT_MS = 60_000;
const LOOK_MS = 1_000;

/** What hooks of a phase with workers know of theirs. */
export interface HookWorker {
  readonly slot: number;
  readonly pid: number;
}

/**
 * Runs the hooks of a phase before there are workers, in order.
 *
 * @throws {UserError} If one fails; those behind it are not run.
 * @throws {EarlyExit} If one says `exit`.
 */
export async function runHooks(config: Config, phase: HookPhase): Promise<void> {
  for (const line of hooksOf(config, phase)) {
    const reason = await attempt(config, line, {});
    if (reason !== null) throw new UserError("hook", sentence(line, reason));
  }
}

/** Runs the hooks of a phase that nothing can stop any more: a failure is logged, and ends the phase. */
export async function runLateHooks(
  config: Config,
  phase: HookPhase,
  worker: HookWorker | null = null,
): Promise<void> {
  const env: Record<string, string> = worker === null
    ? {}
    : { HOOK_WORKER_ID: String(worker.slot), HOOK_WORKER_PID: String(worker.pid) };
  for (const line of hooksOf(config, phase)) {
    const reason = await attempt(config, line, env);
    if (reason === null) continue;
    return logLine("error", sentence(line, reason), { event: "hookFailed", phase, reason });
  }
}

function sentence(line: HookLine, reason: string): string {
  return `"${line.option}" at ${formatOrigin(line.origin)} failed (${shown(line)}): ${reason}`;
}

function shown({ action, parts, hidden }: HookLine): string {
  return hidden ? `${action}:…` : `${action}:${parts.join(" ")}`;
}

/** Why it failed; null: it did not. */
async function attempt(
  config: Config,
  line: HookLine,
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { option, action, parts } = line;
  if (action !== "print" && action !== "log") {
    logLine("info", `${option}: ${shown(line)}`, { event: "hook", option, action });
  }
  try {
    await ACTIONS[action](parts, { ...environmentOf(config), ...env });
    return null;
  } catch (error) {
    if (error instanceof EarlyExit) throw error;
    return errorText(error);
  }
}

type Action = (
  parts: readonly string[],
  env: Readonly<Record<string, string>>,
) => void | Promise<void>;

/** For actions that `hooksOf()` leaves out. */
const nothing: Action = () => {};
const print: Action = ([text = ""]) => logLine("info", text, { event: "hookPrint" });
const changeDirectory: Action = ([path = ""]) => Deno.chdir(path);
const chown: Action = ([path = "", user = "", group = ""]) => changeOwner(path, user, group);

const ACTIONS: Readonly<Record<HookActionName, Action>> = {
  cd: changeDirectory,
  chdir: changeDirectory,
  mkdir: ([path = ""]) => makeDirectory(path),
  putenv: ([text = ""]) => {
    const at = text.indexOf("=");
    Deno.env.set(text.slice(0, at), text.slice(at + 1));
  },
  chmod: ([path = "", mode = ""]) => changeMode(path, parseInt(mode, 8)),
  sticky: ([path = ""]) => makeSticky(path),
  chown,
  chown2: chown,
  exec: async ([command = ""], env) => {
    const { success, how } = await execute(command, env);
    if (!success) throw new Error(`the command ${how}`);
  },
  safeexec: async ([command = ""], env) => {
    const { success, how } = await execute(command, env);
    if (success) return;
    logLine("warning", `The command "${command}" ${how}`, { event: "hookCommand", command, how });
  },
  create: ([path = ""]) => writeFile(path, ""),
  write: ([path = "", text = ""]) => writeFile(path, text),
  writen: ([path = "", text = ""]) => writeFile(path, `${text}\n`),
  append: ([path = "", text = ""]) => appendFile(path, text),
  appendn: ([path = "", text = ""]) => appendFile(path, `${text}\n`),
  writefifo: ([path = "", text = ""]) => writeFifo(path, text),
  unlink: ([path = ""]) => removeFile(path),
  wait_for_fs: ([path = ""]) => waitFor(path, "", () => existing(path) !== null),
  wait_for_file: ([path = ""]) =>
    waitFor(path, " as a regular file", () => existing(path)?.isFile === true),
  wait_for_dir: ([path = ""]) =>
    waitFor(path, " as a directory", () => existing(path)?.isDirectory === true),
  wait_for_socket: ([address = ""]) =>
    waitFor(address, " as a socket that somebody listens on", () => answers(address)),
  exit: ([status = ""]) => {
    throw new EarlyExit(Number(status.trim()));
  },
  print,
  log: print,
  unix_signal: nothing,
};

const printed: ChildOptions["onLine"] = (stream, line) =>
  logChildLine({ logger: "hook", fields: {} }, stream, line);

async function execute(
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly how: string; readonly success: boolean }> {
  return await new ShellCommand({ command, env, onLine: printed }).exited;
}

async function waitFor(
  path: string,
  how: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let waited = 0; !await holds(); waited += LOOK_MS) {
    if (waited >= WAIT_MS) throw new Error(`no ${path}${how} within ${WAIT_MS / 1000} s`);
    await pause(LOOK_MS);
  }
}

function existing(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    // Not there, or not visible: for whoever waits the same.
    return null;
  }
}

async function answers(text: string): Promise<boolean> {
  const address = parseAddress(text);
  try {
    const connection = address.kind === "unix"
      ? await Deno.connect({ transport: "unix", path: absolutePath(address.path) })
      : await Deno.connect({ hostname: hostOf(address), port: portOf(address) });
    connection.close();
    return true;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

function hostOf(address: ReturnType<typeof parseAddress>): string {
  return address.kind === "tcp" && address.host !== "" ? address.host : "127.0.0.1";
}

function portOf(address: ReturnType<typeof parseAddress>): number {
  return address.kind === "tcp" ? address.port : 0;
}
