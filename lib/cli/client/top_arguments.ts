/**
 * Takes the command line of `duwsgi top` apart.
 *
 * @module
 */

import {
  parseClientArguments,
  secondsOf,
  type Target,
  targetOf,
  usageError,
} from "./client_arguments.ts";

/** What `top` is to look at: null is the only master there is. */
export type TopTarget = { readonly kind: "address"; readonly text: string } | Target | null;

/** What `top` is to do. */
export interface TopArguments {
  readonly help: boolean;
  readonly place: TopTarget;
  /** Show the figures once, and end. */
  readonly once: boolean;
  /** And show them as JSON. */
  readonly json: boolean;
  /** Milliseconds between two looks; 0: look once. */
  readonly intervalMs: number;
}

/** What `top --help` says. */
export const TOP_USAGE = `Usage: duwsgi top [WHERE] [OPTIONS]

Shows what an instance is doing, again and again. Where it is:
  ADDRESS           its stats server: host:port, http://host:port, a path, @name;
                    a path may also be that of its pidfile
  app.ini           its configuration: control-socket, pidfile or stats, or else the master
                    that was started with it
  DIRECTORY         the master that runs there, or was started with an INI file there
  --pidfile FILE    the file with its process id
  --pid N           its process id
  --socket FILE     its control-socket
  nothing           the only instance on this machine

Options:
  -i, --interval SECONDS  time between two looks [1]; 0, with --once: one look, without rates
  --once            two looks, one table, and the end; the default if this is no terminal
  --json            the same as JSON: the document, and what was computed
  NO_COLOR=1        in the environment: no colours

Keys: h shows them.`;

const VALUES = ["--interval", "--socket", "--pidfile", "--pid", "--ini"];
const FLAGS = ["--once", "--json"];
const LONGEST_MS = 3_600_000;
const SHORTEST_MS = 100;

/**
 * Takes it apart.
 *
 * @throws {UserError} If it is wrong.
 */
export function parseTopArguments(args: readonly string[]): TopArguments {
  const letters = { "-i": "--interval" };
  const { words, values, flags } = parseClientArguments("top", args, {
    values: VALUES,
    flags: FLAGS,
    letters,
  });
  const [address, ...more] = words;
  if (more.length > 0) throw usageError(`top: unexpected argument "${more[0]}"`);
  const target = targetOf("top", values);
  if (address !== undefined && target !== null) {
    throw usageError(`top: "${address}" and --${target.kind} name an instance each: name one`);
  }
  const json = flags.has("--json");
  const once = json || flags.has("--once");
  return {
    help: flags.has("--help") || address === "help",
    place: address === undefined ? target : { kind: "address", text: address },
    once,
    json,
    intervalMs: intervalOf(values.get("--interval"), once),
  };
}

function intervalOf(text: string | undefined, once: boolean): number {
  if (text === undefined) return 1000;
  const ms = secondsOf(text);
  if (ms !== null && ms <= LONGEST_MS && (ms >= SHORTEST_MS || (ms === 0 && once))) return ms;
  const zero = once ? ", or 0" : "";
  throw usageError(`top: --interval expects seconds from 0.1 to 3600${zero}, not "${text}"`);
}
