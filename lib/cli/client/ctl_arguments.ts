/**
 * Takes the command line of `duwsgi ctl` apart.
 *
 * @module
 */

import { type Command, COMMANDS, findCommand } from "../../control/commands.ts";
import { nearestName } from "../../nearest_name.ts";
import {
  parseClientArguments,
  secondsOf,
  type Target,
  targetOf,
  usageError,
} from "./client_arguments.ts";

/** What `ctl` is to do. */
export interface CtlArguments {
  /** `list` is none of a master: it shows all of them. */
  readonly command: Command | "list";
  readonly argument: string | null;
  /** Null: the only master there is. */
  readonly target: Target | null;
  readonly wait: boolean;
  readonly json: boolean;
  /** Milliseconds; null: no limit was given. */
  readonly timeoutMs: number | null;
}

/** What `ctl --help` says above the commands. */
export const CTL_USAGE = `Usage: duwsgi ctl COMMAND [ARGUMENT] [WHERE] [OPTIONS]
       duwsgi ctl list [--json]

Commands a running master; list shows all that run here. Where it is:
  nothing           the only master of this user
  app.ini           the one of this configuration: its control-socket, its pidfile, or the
                    master that was started with it
  DIRECTORY         the one that runs there, or was started with an INI file there
  --pidfile FILE    the file with its process id
  --pid N           its process id
  --socket FILE     its control-socket

Options:
  --wait            wait for what comes of it, and say meanwhile on stderr what it waits for;
                    the exit code tells, see docs/behaviour.md
  --timeout SECONDS wait no longer than that
  --json            answer in JSON

Commands:`;

const VALUES = ["--socket", "--pidfile", "--pid", "--ini", "--timeout"];
const FLAGS = ["--wait", "--json"];

/**
 * Takes it apart.
 *
 * @throws {UserError} If it is wrong.
 */
export function parseCtlArguments(args: readonly string[]): CtlArguments {
  const { words, values, flags } = parseClientArguments("ctl", args, {
    values: VALUES,
    flags: FLAGS,
  });
  if (flags.has("--help")) words.unshift("help");
  if (words[0] === "help") words.length = 1;
  const name = words.shift();
  if (name === undefined) throw usageError("ctl needs a command: see duwsgi ctl help");
  const command = name === "list" ? name : findCommand(name);
  if (command === undefined) throw usageError(unknownCommand(name));
  const takes = command === "list" ? "" : command.argument;
  const argument = takes === "" ? null : words.shift() ?? null;
  if (takes !== "" && argument === null) throw usageError(`ctl ${name} needs ${takes}`);
  const named = targetOf("ctl", values);
  const directory = named === null && command !== "list" ? words.shift() : undefined;
  if (words.length > 0) throw usageError(`ctl ${name}: unexpected argument "${words[0]}"`);
  if (command === "list" && named !== null) {
    throw usageError("ctl list shows all: it takes no master");
  }
  const target = directory === undefined ? named : { kind: "directory" as const, path: directory };
  return {
    command,
    argument,
    target,
    wait: flags.has("--wait"),
    json: flags.has("--json"),
    timeoutMs: timeoutOf(values.get("--timeout")),
  };
}

function timeoutOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = secondsOf(text);
  if (ms !== null && ms > 0) return ms;
  throw usageError(`ctl: --timeout expects seconds, such as 60 or 0.5, not "${text}"`);
}

function unknownCommand(name: string): string {
  const nearest = nearestName(name, [...COMMANDS.map((command) => command.name), "list"]);
  const advice = nearest === null ? "see duwsgi ctl help" : `did you mean "${nearest}"?`;
  return `ctl has no command "${name.slice(0, 80)}": ${advice}`;
}
