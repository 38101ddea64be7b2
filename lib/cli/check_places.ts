/**
 * `--check`: users, groups and directories that the start will need, with the words in which it would refuse
 * them. Nothing is made or changed.
 *
 * @module
 */

import { dirname } from "../paths.ts";
import { parseAddress } from "../system/sockets/address.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { fileKeysSet } from "../config/log_needs.ts";
import { parseLogTarget } from "../config/values/log_line.ts";
import { optionPlace } from "../config/option_place.ts";
import { viewAddresses } from "../config/options/exporting.ts";
import type { HookLine } from "../config/values/hook_line.ts";
import { HOOK_PHASES, type HookPhase, hooksOf } from "../config/options/hooks.ts";
import { isHandedOver } from "../master/upgrade/handover_environment.ts";
import { wantedIdentity } from "../master/process/privileges.ts";
import { absolutePath } from "../system/files/absolute_path.ts";
import { type Libc, libc } from "../system/libc.ts";
import { resolveOwner } from "../system/files/owner.ts";
import { UserError } from "../errors.ts";
import type { OptionLine } from "../config/origin.ts";

/** What was found. */
export interface PlaceProblems {
  readonly problems: readonly string[];
  /** What may be all right after hooks have run. */
  readonly warnings: readonly string[];
}

/** Looks at all of them. */
export function checkPlaces(config: Config, entries: Loaded["entries"]): PlaceProblems {
  const where: Where = (key) => optionPlace(entries, key);
  const c = libc();
  const users = c === null ? [] : userProblems(c, config, where);
  const directories = [
    ...logProblems(config, where),
    ...pidFileProblems(config, where),
    // The next program of a master goes on with sockets that are open.
    ...(isHandedOver() ? [] : socketProblems(config)),
  ];
  const scripts = config.mules.flatMap((mule) =>
    isFile(mule) ? [] : [`Cannot find the script "${mule}" of ${where("mules")} in ${Deno.cwd()}`]
  );
  return isMadeByHooks(config)
    ? {
      problems: [...users, ...scripts],
      warnings: directories.map((text) => `${text}, unless a hook makes it`),
    }
    : { problems: [...users, ...directories, ...scripts], warnings: [] };
}

type Where = (key: keyof Config) => string;

function userProblems(c: Libc, config: Config, where: Where): string[] {
  const { logfileChown, chownSocket, sockets } = config;
  const owner = (text: string, say: (reason: string) => string) =>
    text === "" ? [] : attempt(() => resolveOwner(c, text), say);
  const [file] = sockets.filter((spec) => unixPath(spec.text) !== null);
  return [
    ...attempt(() => wantedIdentity(c, config, where), (reason) => reason),
    ...owner(
      logfileChown,
      (reason) => `Cannot do what ${where("logfileChown")} says: ${reason}`,
    ),
    ...(file === undefined ? [] : owner(chownSocket, (reason) => cannotOpen(file, reason))),
  ];
}

function attempt(action: () => void, say: (reason: string) => string): string[] {
  try {
    action();
    return [];
  } catch (error) {
    if (error instanceof UserError || error instanceof TypeError) return [say(error.message)];
    throw error;
  }
}

function logProblems(config: Config, where: Where): string[] {
  const { loggers, reqLoggers } = config;
  const main = fileKeysSet(config).flatMap((key) => {
    const path = config[key];
    // What has a colon is an address, but for a daemon.
    const isFile = key.startsWith("daemonize") || parseLogTarget(path).kind === "unix";
    return isFile ? [{ key, path }] : [];
  });
  const others = (["loggers", "reqLoggers"] as const).flatMap((key) =>
    (key === "loggers" ? loggers : reqLoggers).flatMap(({ target }) =>
      target.kind === "file" ? [{ key, path: target.path }] : []
    )
  );
  return [...main, ...others].flatMap(({ key, path }) =>
    missing(path, (reason) => `Cannot open the log file "${path}" of ${where(key)}: ${reason}`)
  );
}

function pidFileProblems(config: Config, where: Where): string[] {
  const keys = ["pidfile", "pidfile2", "safePidfile", "safePidfile2"] as const;
  return keys.filter((key) => config[key] !== "").flatMap((key) =>
    missing(config[key], (reason) => `Cannot write "${config[key]}" of ${where(key)}: ${reason}`)
  );
}

function socketProblems(config: Config): string[] {
  const { sockets, masterFifo, controlSocket } = config;
  const listeners = [...sockets, ...viewAddresses(config)].flatMap((spec) => {
    const path = unixPath(spec.text);
    if (path === null) return [];
    return missing(
      path,
      (reason) => cannotOpen(spec, `${reason}: the directory of the socket does not exist`),
    );
  });
  const own = [
    ...masterFifo.map((path) => ["master-fifo", path] as const),
    ...(controlSocket === "" ? [] : [["control-socket", controlSocket] as const]),
  ];
  return [
    ...listeners,
    ...own.flatMap(([option, path]) =>
      missing(path, (reason) => `Cannot open ${option} "${path}": ${reason}`)
    ),
  ];
}

function cannotOpen(
  { option, text, origin }: OptionLine,
  reason: string,
): string {
  return `Cannot open ${option} "${text}" (${origin.file}:${origin.line}): ${reason}`;
}

/** The path of a Unix socket; null: the address is another one. */
function unixPath(text: string): string | null {
  const address = parseAddress(text);
  return address.kind === "unix" ? address.path : null;
}

/** One line if the directory of a path is not there. What is out of reach is not judged. */
function missing(path: string, say: (reason: string) => string): string[] {
  try {
    const directory = Deno.statSync(dirname(absolutePath(path)));
    return directory.isDirectory ? [] : [say("not a directory")];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [say("no such file or directory")];
    return error instanceof Deno.errors.NotADirectory ? [say("not a directory")] : [];
  }
}

/** Actions of hooks that may make a directory. */
const MAKERS: ReadonlySet<HookLine["action"]> = new Set(["mkdir", "exec", "safeexec"]);

function isMadeByHooks(config: Config): boolean {
  const phases = Object.keys(HOOK_PHASES) as HookPhase[];
  return phases.some((phase) =>
    HOOK_PHASES[phase].kind === "start" &&
    hooksOf(config, phase).some(({ action }) => MAKERS.has(action))
  );
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
