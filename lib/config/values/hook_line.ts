/**
 * The lines of `hook-PHASE` and `exec-PHASE`: what there is to do, read and checked before anything is
 * done.
 *
 * @module
 */

import { parseAddress } from "../../system/sockets/address.ts";
import { wholeNumber } from "./key_values.ts";
import { nearestName } from "../../nearest_name.ts";
import type { OptionLine } from "../origin.ts";

/** Name of an action. */
export type HookActionName =
  | "cd"
  | "chdir"
  | "mkdir"
  | "putenv"
  | "chmod"
  | "sticky"
  | "chown"
  | "chown2"
  | "exec"
  | "safeexec"
  | "create"
  | "write"
  | "writen"
  | "append"
  | "appendn"
  | "writefifo"
  | "unlink"
  | "wait_for_fs"
  | "wait_for_file"
  | "wait_for_dir"
  | "wait_for_socket"
  | "exit"
  | "print"
  | "log"
  | "unix_signal";

/** One thing to do. */
export interface HookLine extends OptionLine {
  /** What to do. */
  readonly action: HookActionName;
  /** What follows the colon, in the parts that the action has; see {@linkcode HOOK_ACTIONS}. */
  readonly parts: readonly string[];
  /** Written with a `!`: the log does not show the arguments. */
  readonly hidden: boolean;
}

/** What an action takes. */
export interface HookActionForm {
  /** Its parts, separated by spaces; the last one takes the rest of the line. */
  readonly parts: readonly string[];
  /** What it does, for the reference. */
  readonly help: string;
}

/** The actions and their arguments. */
export const HOOK_ACTIONS: Readonly<Record<HookActionName, HookActionForm>> = {
  cd: { parts: ["DIRECTORY"], help: "Changes the directory of the master." },
  chdir: { parts: ["DIRECTORY"], help: "The same as `cd`." },
  mkdir: { parts: ["DIRECTORY"], help: "Makes a directory; its parent must be there." },
  putenv: {
    parts: ["NAME=VALUE"],
    help: "Sets a variable in the environment of the master and of everything it starts later.",
  },
  chmod: { parts: ["FILE", "MODE"], help: "Changes the mode, in octal." },
  sticky: { parts: ["FILE"], help: "Sets the sticky bit." },
  chown: {
    parts: ["FILE", "USER", "GROUP"],
    help: "Changes the owner, names or numbers.",
  },
  chown2: { parts: ["FILE", "UID", "GID"], help: "Changes the owner, numbers only." },
  exec: { parts: ["COMMAND"], help: "Runs a shell command; a status other than 0 is a failure." },
  safeexec: { parts: ["COMMAND"], help: "Runs a shell command, whatever its status." },
  create: { parts: ["FILE"], help: "Creates an empty file, or empties one." },
  write: { parts: ["FILE", "TEXT"], help: "Writes a file that holds this text and nothing else." },
  writen: { parts: ["FILE", "TEXT"], help: "The same with a newline at the end." },
  append: { parts: ["FILE", "TEXT"], help: "Adds the text to a file." },
  appendn: { parts: ["FILE", "TEXT"], help: "The same with a newline at the end." },
  writefifo: {
    parts: ["FIFO", "TEXT"],
    help: "Writes to a FIFO; it fails when nobody reads from it.",
  },
  unlink: { parts: ["FILE"], help: "Removes a file." },
  wait_for_fs: { parts: ["PATH"], help: "Waits until there is something at the path." },
  wait_for_file: { parts: ["PATH"], help: "Waits until there is a regular file." },
  wait_for_dir: { parts: ["PATH"], help: "Waits until there is a directory." },
  wait_for_socket: {
    parts: ["ADDRESS"],
    help: "Waits until somebody listens at the address, `host:port` or a path.",
  },
  exit: {
    parts: ["[STATUS]"],
    help: "Ends the start, with this exit code (0 if there is none).",
  },
  print: { parts: ["TEXT"], help: "Writes a line to the log." },
  log: { parts: ["TEXT"], help: "The same as `print`." },
  unix_signal: {
    parts: ["SIGNAL", "FUNCTION"],
    help:
      "Not needed: only `15 gracefully_kill_them_all` (or `2`) is accepted, which SIGTERM does anyway.",
  },
};

/** Actions of uWSGI that call C functions or are of no use here. */
const LACKING =
  /^(call|callret|callint|callintret|mount|umount|hostname|alarm|rpc|retryrpc|spinningfifo|wait_for_interface|wait_for_mountpoint)$/;

/**
 * Reads one line.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseHookLine(line: OptionLine): HookLine {
  if (line.option.startsWith("exec-")) {
    if (line.text.trim() === "") throw new SyntaxError("needs a command");
    return { ...line, action: "exec", parts: [line.text.trim()], hidden: false };
  }
  const [, mark, name = "", argument = ""] = /^(!?)([^:]*)(?::([^]*))?$/.exec(line.text.trim()) ??
    [];
  const action = actionOf(name);
  const parts = split(name, argument, HOOK_ACTIONS[action].parts);
  checkParts(action, parts);
  return { ...line, action, parts, hidden: mark === "!" };
}

function actionOf(name: string): HookActionName {
  if (Object.hasOwn(HOOK_ACTIONS, name)) return name as HookActionName;
  if (LACKING.test(name)) throw new SyntaxError(`names the action "${name}", which duwsgi lacks`);
  const names = Object.keys(HOOK_ACTIONS);
  const nearest = nearestName(name, names);
  const advice = nearest === null ? `use ${names.join(", ")}` : `did you mean "${nearest}"?`;
  throw new SyntaxError(`names an unknown action "${name}": ${advice}`);
}

function split(name: string, argument: string, wanted: readonly string[]): string[] {
  const parts: string[] = [];
  let rest = argument;
  for (let i = 1; i < wanted.length; i++) {
    const [, part = "", more = ""] = /^(\S*)\s?([^]*)$/.exec(rest) ?? [];
    parts.push(part);
    rest = more;
  }
  parts.push(rest);
  const optional = wanted[0]?.startsWith("[") === true;
  const lacks = parts.some((part, i) => part === "" && wanted[i] !== "TEXT");
  if (lacks && !optional) throw new SyntaxError(`expects "${name}:${wanted.join(" ")}"`);
  return parts;
}

function checkParts(action: HookActionName, parts: readonly string[]): void {
  const [first = "", second = "", third = ""] = parts;
  switch (action) {
    case "chmod":
      if (/^[0-7]{3,4}$/.test(second)) return;
      throw new SyntaxError(`expects an octal mode such as 660, not "${second}"`);
    case "chown2":
      wholeNumber("the uid", second, 0, 2 ** 31);
      return void wholeNumber("the gid", third, 0, 2 ** 31);
    case "putenv":
      if (/^[^=]+=/.test(first)) return;
      throw new SyntaxError(`expects "putenv:NAME=VALUE", not "${first}"`);
    case "exit":
      return void wholeNumber("exit", first.trim() || "0", 0, 255);
    case "wait_for_socket":
      return checkAddress(first);
    case "unix_signal":
      if (/^(15|2)$/.test(first) && second.trim() === "gracefully_kill_them_all") return;
      throw new SyntaxError(
        `has the action "unix_signal", which duwsgi lacks: SIGTERM and SIGINT stop in order, see ` +
          "docs/process.md for the other signals",
      );
  }
}

function checkAddress(text: string): void {
  try {
    const { kind } = parseAddress(text);
    if (kind === "tcp" || kind === "unix") return;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SyntaxError(`expects host:port or the path of a Unix socket, not "${text}"`);
}
