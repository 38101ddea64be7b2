/**
 * The kinds of value an option can have. A kind reads what was written, strictly, and writes a value
 * back, so that reading the written form gives the same value again.
 *
 * uWSGI reads numbers up to the first odd character (`abc` is 0) and takes every unknown word for
 * true. Both hide mistakes until production, so here they are errors.
 *
 * @module
 */

import { excerpt } from "../../foreign_text.ts";
import { nearestName } from "../../nearest_name.ts";
import type { Origin } from "../origin.ts";

/** One use of an option, with placeholders replaced. */
export interface Written {
  /** Name of the option as written: tells aliases with a meaning of their own apart. */
  readonly name: string;
  /** What followed the `=`, or null when there was no `=`. */
  readonly value: string | null;
  /** Where. */
  readonly origin: Origin;
}

/** How values of one type are read and written. */
export interface OptionKind<T> {
  /** Whether a value must follow, may follow (only with `=` on the command line), or is a flag's. */
  readonly value: "required" | "optional" | "flag";
  /** Whether every use counts (a list), or only the last one. */
  readonly repeatable: boolean;
  /**
   * The value after one more use of the option.
   *
   * @throws {SyntaxError} When it cannot be read; the message continues a sentence that starts with
   * the name of the option: `expects …`.
   */
  readonly add: (before: T, written: Written) => T;
  /**
   * Loads the parser of what is written with this name; null: it is loaded. Without it, no parser has to
   * be loaded. {@linkcode add} may be called only after that.
   */
  readonly load?: (name: string) => Promise<void> | null;
  /** The uses that give this value; `name` only where it differs from the option's own name. */
  readonly write: (value: T) => readonly { readonly name?: string; readonly value: string }[];
}

/** A whole number, both limits included. */
export function integer(smallest: number, largest: number): OptionKind<number> {
  return scalar(
    (text) => {
      const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
      if (value >= smallest && value <= largest) return value;
      throw unexpected(text, `a whole number from ${smallest} to ${largest}`);
    },
    (value) => String(value),
  );
}

/** A whole number that need not be set; `why` explains the limits to who is beyond them. */
export function optionalInteger(
  smallest: number,
  largest: number,
  why = "",
): OptionKind<number | null> {
  return scalar<number | null>(
    (text) => {
      const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
      if (value >= smallest && value <= largest) return value;
      const reason = why === "" ? "" : `, ${why}`;
      throw unexpected(text, `a whole number from ${smallest} to ${largest}${reason}`);
    },
    (value) => String(value),
    null,
  );
}

/** A time: seconds in the configuration, with decimals if need be, milliseconds in the program. */
export function seconds(smallest: number, largest: number): OptionKind<number> {
  return scalar(
    (text) => {
      const value = /^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(text) ? Number(text) : NaN;
      if (value >= smallest && value <= largest) return Math.round(value * 1000);
      throw unexpected(text, `seconds from ${smallest} to ${largest}, such as 60 or 0.5`);
    },
    (value) => String(value / 1000),
  );
}

/** A time, as {@linkcode seconds}, or 0 for never. */
export function secondsOrNever(smallest: number, largest: number): OptionKind<number> {
  const { add, ...rest } = seconds(0, largest);
  return {
    ...rest,
    add: (before, written) => {
      const value = add(before, written);
      if (value === 0 || value >= smallest * 1000) return value;
      throw unexpected(written.value ?? "", `0, or seconds from ${smallest} to ${largest}`);
    },
  };
}

const MEGABYTE = 1 << 20;

/** Memory: whole megabytes (2^20 bytes, as in uWSGI) in the configuration, bytes in the program. */
export function megabytes(smallest: number, largest: number): OptionKind<number> {
  const { add, ...rest } = integer(smallest, largest);
  return {
    ...rest,
    add: (before, written) => add(before, written) * MEGABYTE,
    write: (value) => [{ value: String(value / MEGABYTE) }],
  };
}

/** One of a few words; the error names the nearest one. */
export function choice<T extends string>(...words: readonly T[]): OptionKind<T> {
  return scalar(
    (text) => {
      const value = words.find((word) => word === text);
      if (value !== undefined) return value;
      const nearest = nearestName(text, words);
      const error = unexpected(text, words.join(" or "));
      throw nearest === null
        ? error
        : new SyntaxError(`${error.message}: did you mean "${nearest}"?`);
    },
    (value) => value,
  );
}

/** The words for true and false, in lower case. */
export const WORDS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "yes", "on", "1"].map((word) => [word, true] as const),
  ...["false", "no", "off", "0"].map((word) => [word, false] as const),
]);

/** True or false. Without a value it is true; under a name that starts with `no-`, the opposite. */
export const flag: OptionKind<boolean> = {
  value: "flag",
  repeatable: false,
  add: (_before, { name, value }) => {
    const read = value === null ? true : WORDS.get(value.toLowerCase());
    if (read === undefined) {
      throw unexpected(value ?? "", "true, false, yes, no, on, off, 1 or 0");
    }
    return read !== name.startsWith("no-");
  },
  write: (value) => [{ value: String(value) }],
};

/** One path. Neither the INI file nor the command line needs quotes, so these are refused. */
export const path: OptionKind<string> = scalar(readPath, (value) => value, "");

/** Any number of paths. */
export const paths: OptionKind<readonly string[]> = list(readPath, (value) => value);

/** One text, not interpreted. */
export const text: OptionKind<string> = scalar(
  (text) => {
    if (text === "") throw new SyntaxError("needs a value");
    return text;
  },
  (value) => value,
  "",
);

/** A file, and what is to be done when it changes. */
export interface FileCommand {
  /** The file, as written. */
  readonly path: string;
  /** For `sh -c`. */
  readonly command: string;
}

/** Any number of `FILE COMMAND`: the first space separates the two. */
export const fileCommands: OptionKind<readonly FileCommand[]> = list(
  (text) => {
    const [, path = "", command = ""] = /^(\S+)\s+(\S[^]*)$/.exec(text) ?? [];
    if (path === "") throw unexpected(text, "a file and a command");
    return { path, command };
  },
  ({ path, command }) => `${path} ${command}`,
);

/** One path for each of the digits 0 to 9. */
export const fifoPaths: OptionKind<readonly string[]> = {
  ...paths,
  add: (before, written) => {
    const after = paths.add(before, written);
    if (after.length > 10) throw new SyntaxError("can be used ten times at most");
    if (before.includes(after.at(-1) ?? "")) throw new SyntaxError("names the same file twice");
    return after;
  },
};

/** Any number of texts, empty ones included, none of them interpreted. */
export const texts: OptionKind<readonly string[]> = list((text) => text, (value) => value);

/** Any number of flags for `deno run`, one at a time. */
export const denoFlags: OptionKind<readonly string[]> = list(
  (text) => {
    if (!/^-./.test(text) || text === "--") {
      throw unexpected(text, "one flag of deno run, such as --allow-net or --config=deno.json");
    }
    if (/\s-/.test(text)) throw unexpected(text, "one flag, and to be used once for each");
    return text;
  },
  (value) => value,
);

/** Any number of `NAME=value`, the value possibly empty. */
export const variables: OptionKind<readonly (readonly [name: string, value: string])[]> = list(
  (text) => {
    const parts = /^([^\s=]+)=([^]*)$/.exec(text);
    // Variables are where secrets are: no message shows them.
    if (parts === null) throw new SyntaxError("expects NAME=value; what it has is not shown");
    return [parts[1] ?? "", parts[2] ?? ""] as const;
  },
  ([name, value]) => `${name}=${value}`,
);

/** The mode of a Unix socket: three octal digits, or four; 666 for no value or 1, as in uWSGI. */
export const socketMode: OptionKind<number | null> = {
  value: "optional",
  repeatable: false,
  add: (_before, { value }) => {
    if (value === null || value === "1") return 0o666;
    if (/^[0-7]{3,4}$/.test(value)) return parseInt(value, 8);
    throw unexpected(value, "three octal digits, such as 660");
  },
  write: writeMode,
};

/** A file mode creation mask, see umask(2). */
export const mask: OptionKind<number | null> = octal("022");

/** The mode of a file, see chmod(2). */
export const fileMode: OptionKind<number | null> = octal("640");

/** `user` or `user:group`, names or numbers, see chown(1). Empty: none. */
export const owner: OptionKind<string> = scalar(
  (text) => {
    if (/^[^\s:]+(:[^\s:]+)?$/.test(text)) return text;
    throw unexpected(text, "user or user:group");
  },
  (value) => value,
  "",
);

/** A user or a group, a name or a number. Empty: none. */
export const account: OptionKind<string> = scalar(readAccount, (value) => value, "");

/** Any number of users or groups. */
export const accounts: OptionKind<readonly string[]> = list(readAccount, (value) => value);

/** Any number of addresses of hosts and networks, several in one text with commas between. */
export const networks: OptionKind<readonly string[]> = {
  value: "required",
  repeatable: true,
  add: (before, written) => [...before, ...required(written).split(",").map(readNetwork)],
  write: (values) => values.map((value) => ({ value })),
};

/** Any number of host names, several in one text with commas between; `*.` may begin one, `*` is all. */
export const hostNames: OptionKind<readonly string[]> = {
  value: "required",
  repeatable: true,
  add: (before, written) => [...before, ...required(written).split(",").map(readHostName)],
  write: (values) => values.map((value) => ({ value })),
};

function readHostName(text: string): string {
  const name = text.trim().toLowerCase();
  if (name === "*" || /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) return name;
  throw unexpected(text.trim(), "a host name without a port, such as app.example.com, or *");
}

function readNetwork(text: string): string {
  const entry = text.trim();
  if (entry === "*" || entry === "unix") return entry;
  const [, host = "", bits] = /^([\d.]+|(?=[^:]*:)[\da-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(entry) ??
    [];
  const isV6 = host.includes(":");
  // A URL takes an IPv4 address in odd forms as well, and writes it in the usual one.
  const isAddress = isV6
    ? URL.parse(`http://[${host}]`) !== null
    : host !== "" && URL.parse(`http://${host}`)?.hostname === host;
  if (isAddress && Number(bits ?? 0) <= (isV6 ? 128 : 32)) return entry;
  throw unexpected(entry, "an IP address, a network such as 10.0.0.0/8, unix or *");
}

/** A value of which the last use counts; one equal to `unset` cannot be written and stands for none. */
export function scalar<T>(
  read: (text: string) => T,
  write: (value: T) => string,
  unset?: T,
): OptionKind<T> {
  return {
    value: "required",
    repeatable: false,
    add: (_before, written) => read(required(written)),
    write: (value) => value === unset ? [] : [{ value: write(value) }],
  };
}

/** A list with one value for each use. */
export function list<T>(
  read: (text: string) => T,
  write: (value: T) => string,
): OptionKind<readonly T[]> {
  return {
    value: "required",
    repeatable: true,
    add: (before, written) => [...before, read(required(written))],
    write: (values) => values.map((value) => ({ value: write(value) })),
  };
}

/**
 * What was written as the value.
 *
 * @throws {SyntaxError} If there is none.
 */
export function required(written: Written): string {
  if (written.value === null) throw new SyntaxError("needs a value");
  return written.value;
}

function octal(example: string): OptionKind<number | null> {
  return {
    value: "required",
    repeatable: false,
    add: (_before, written) => {
      const text = required(written);
      if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
      throw unexpected(text, `three octal digits, such as ${example}`);
    },
    write: writeMode,
  };
}

function readAccount(text: string): string {
  if (/^[^\s:]+$/.test(text)) return text;
  throw unexpected(text, "a name or a number");
}

/** Reads a path. */
export function readPath(text: string): string {
  if (text === "") throw new SyntaxError("needs a value");
  if (/^(["']).*\1$/.test(text)) throw unexpected(text, "a path");
  return text;
}

function writeMode(value: number | null): { readonly value: string }[] {
  return value === null ? [] : [{ value: value.toString(8).padStart(3, "0") }];
}

/** A value is not what its option takes. */
export class UnexpectedValue extends SyntaxError {
  /** The message without the value. */
  readonly discreet: string;

  /** Takes half a sentence without the value, and its other half. */
  constructor(discreet: string, more: string) {
    super(discreet + more);
    this.discreet = discreet;
  }
}

/** The error of a value that is none: half a sentence. */
export function unexpected(text: string, expected: string): SyntaxError {
  return new UnexpectedValue(`expects ${expected}`, `, not "${excerpt(text, 80)}"${advice(text)}`);
}

/** What people who know other INI dialects write, and what it means in this one. */
export function advice(text: string): string {
  if (/\s[;#]/.test(text)) return ": a comment needs a line of its own";
  if (/^(["']).*\1$/.test(text)) return ": quotes are part of the value, remove them";
  return "";
}
