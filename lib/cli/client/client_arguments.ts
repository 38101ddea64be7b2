/**
 * What the command lines of `ctl` and `top` have in common: options in any order, and how a master is
 * named.
 *
 * @module
 */

import { UserError } from "../../errors.ts";

/** How the master is found. */
export type Target =
  | { readonly kind: "socket" | "pidfile" | "ini" | "directory"; readonly path: string }
  | { readonly kind: "pid"; readonly pid: number };

/** The options there are, with their dashes. */
export interface KnownOptions {
  /** Those that a value follows, or is joined to with `=`. */
  readonly values: readonly string[];
  readonly flags: readonly string[];
  /** Letters for options: `-i` → `--interval`. */
  readonly letters?: Readonly<Record<string, string>>;
}

/** A command line by kinds. */
export interface ClientArguments {
  /** What is no option, in order. */
  readonly words: string[];
  /** The last value of each option; a word that looks like an INI file is one of `--ini`. */
  readonly values: ReadonlyMap<string, string>;
  /** With `--help`, if that was among them. */
  readonly flags: ReadonlySet<string>;
}

const INI_FILE = /\.ini(:[^:]*)?$/i;

/**
 * Sorts the words of a command line.
 *
 * @param program `ctl` or `top`, for messages.
 * @throws {UserError} If there is an option that is not known, or lacks its value.
 */
export function parseClientArguments(
  program: string,
  args: readonly string[],
  known: KnownOptions,
): ClientArguments {
  const words: string[] = [];
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const whole = known.letters?.[word] ?? word;
    const [, name = "", joined] = /^(--[a-z]+)(?:=([^]*))?$/.exec(whole) ?? [];
    if (known.values.includes(name)) {
      const value = joined ?? rest.shift();
      if (value === undefined) throw usageError(`${program}: ${name} needs a value`);
      values.set(name, value);
    } else if (known.flags.includes(name) && joined === undefined) {
      flags.add(name);
    } else if (word === "--help" || word === "-h") {
      flags.add("--help");
    } else if (/^--|^-[a-z]/i.test(word)) {
      const all = [...known.values, ...known.flags].join(", ");
      const advice = all === "" ? "it takes none but --help" : `there are ${all}`;
      throw usageError(`${program}: unknown option "${word}": ${advice}`);
    } else if (INI_FILE.test(word)) {
      values.set("--ini", word);
    } else {
      words.push(word);
    }
  }
  return { words, values, flags };
}

/** The options that name a master. */
const TARGETS = ["--socket", "--pidfile", "--pid", "--ini"];

/**
 * The master that was named; null: none was.
 *
 * @throws {UserError} If there were several, or what was given cannot be one.
 */
export function targetOf(program: string, values: ReadonlyMap<string, string>): Target | null {
  const given = TARGETS.filter((name) => values.has(name));
  const [option = ""] = given;
  if (given.length > 1) {
    throw usageError(`${program}: ${given.join(" and ")} name a master each: name one`);
  }
  const value = values.get(option);
  if (value === undefined) return null;
  if (option !== "--pid") {
    return { kind: option.slice(2) as "socket" | "pidfile" | "ini", path: value };
  }
  if (!/^[1-9]\d{0,9}$/.test(value)) {
    throw usageError(`${program}: --pid expects a process id, not "${value}"`);
  }
  return { kind: "pid", pid: Number(value) };
}

/** Milliseconds of a text like `60` or `0.5`; null: it is none. */
export function secondsOf(text: string): number | null {
  return /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : null;
}

/** An error in a command line. */
export function usageError(message: string): UserError {
  return new UserError("configuration", message);
}
