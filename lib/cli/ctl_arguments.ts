/**
 * Takes the command line of `duwsgi ctl` apart.
 *
 * @module
 */

import { type Command, COMMANDS, findCommand } from "../control/commands.ts";
import { nearestName } from "../nearest.ts";
import { UserError } from "./exit_code.ts";

/** How the master is found. */
export type Target =
  | { readonly kind: "socket" | "pidfile" | "ini"; readonly path: string }
  | { readonly kind: "pid"; readonly pid: number };

/** What `ctl` is to do. */
export interface CtlArguments {
  readonly command: Command;
  readonly argument: string | null;
  /** Null only for `help`. */
  readonly target: Target | null;
  readonly wait: boolean;
  readonly json: boolean;
  /** Milliseconds; null: no limit was given. */
  readonly timeoutMs: number | null;
}

/** What `ctl --help` says above the commands. */
export const CTL_USAGE = `Usage: duwsgi ctl COMMAND [ARGUMENT] TARGET [OPTIONS]

Commands a running master. Where it is:
  app.ini           its configuration: control-socket, or else pidfile
  --pidfile FILE    the file with its process id
  --pid N           its process id
  --socket FILE     its control-socket

Options:
  --wait            wait for what comes of it; the exit code tells, see docs/behaviour.md
  --timeout SECONDS wait no longer than that
  --json            answer in JSON

Commands:`;

const INI_FILE = /\.ini(:[^:]*)?$/i;
const VALUES = ["--socket", "--pidfile", "--pid", "--ini", "--timeout"];
const FLAGS = ["--wait", "--json"];

/**
 * Takes it apart.
 *
 * @throws {UserError} If it is wrong.
 */
export function parseCtlArguments(args: readonly string[]): CtlArguments {
  const { words, values, flags } = sort(args);
  const name = words.shift();
  if (name === undefined) throw wrong("ctl needs a command: see duwsgi ctl help");
  const command = findCommand(name);
  if (command === undefined) throw wrong(unknownCommand(name));
  const argument = command.argument === "" ? null : words.shift() ?? null;
  if (command.argument !== "" && argument === null) {
    throw wrong(`ctl ${name} needs ${command.argument}`);
  }
  if (words.length > 0) throw wrong(`ctl ${name}: unexpected argument "${words[0]}"`);
  const target = targetOf(values);
  if (target === null && name !== "help") {
    throw wrong(
      `Which master? Name its INI file (ctl ${name} app.ini), --pidfile FILE or --socket FILE`,
    );
  }
  return {
    command,
    argument,
    target,
    wait: flags.has("--wait"),
    json: flags.has("--json"),
    timeoutMs: timeoutOf(values.get("--timeout")),
  };
}

interface Sorted {
  readonly words: string[];
  readonly values: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
}

function sort(args: readonly string[]): Sorted {
  const words: string[] = [];
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = "", joined] = /^(--[a-z]+)(?:=([^]*))?$/.exec(word) ?? [];
    if (VALUES.includes(name)) {
      const value = joined ?? rest.shift();
      if (value === undefined) throw wrong(`ctl: ${name} needs a value`);
      values.set(name, value);
    } else if (FLAGS.includes(name) && joined === undefined) {
      flags.add(name);
    } else if (word === "--help" || word === "-h") {
      words.unshift("help");
    } else if (word.startsWith("--")) {
      throw wrong(`ctl: unknown option "${word}": there are ${[...VALUES, ...FLAGS].join(", ")}`);
    } else if (INI_FILE.test(word)) {
      values.set("--ini", word);
    } else {
      words.push(word);
    }
  }
  if (words[0] === "help") words.length = 1;
  return { words, values, flags };
}

function targetOf(values: ReadonlyMap<string, string>): Target | null {
  const given = ["--socket", "--pidfile", "--pid", "--ini"].filter((name) => values.has(name));
  const [option = ""] = given;
  if (given.length > 1) throw wrong(`ctl: ${given.join(" and ")} name a master each: name one`);
  const value = values.get(option);
  if (value === undefined) return null;
  if (option !== "--pid") {
    return { kind: option.slice(2) as "socket" | "pidfile" | "ini", path: value };
  }
  if (!/^[1-9]\d{0,9}$/.test(value)) throw wrong(`ctl: --pid expects a process id, not "${value}"`);
  return { kind: "pid", pid: Number(value) };
}

function timeoutOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds > 0) return seconds * 1000;
  throw wrong(`ctl: --timeout expects seconds, such as 60 or 0.5, not "${text}"`);
}

function unknownCommand(name: string): string {
  const nearest = nearestName(name, COMMANDS.map((command) => command.name));
  const advice = nearest === null ? "see duwsgi ctl help" : `did you mean "${nearest}"?`;
  return `ctl has no command "${name.slice(0, 80)}": ${advice}`;
}

function wrong(message: string): UserError {
  return new UserError("configuration", message);
}
