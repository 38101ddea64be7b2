/**
 * Takes the command line apart into the same lines an INI file has.
 *
 * `parseArgs()` of `@std/cli` does not fit: it answers with one object, in which the order between
 * different options, and between options and INI files, is lost. Here the order decides who wins.
 *
 * @module
 */

import type { SettingLine } from "./ini/entry.ts";
import { type NamedRow, namesOf } from "./kinds/option_row.ts";
import {
  allNames,
  findOptionKey,
  findRow,
  OPTIONS,
  ROWS,
  START_COMMANDS,
  type StartCommandName,
} from "./options.ts";
import { COMMAND_LINE, formatOrigin, type Problems } from "./problem.ts";
import { UWSGI_LETTERS, uwsgiOptions } from "./options/uwsgi_options.ts";
import type { Origin } from "./origin.ts";

/** What the user wants: `run`, unless another command was named; of several, the first. */
export interface StartCommand {
  readonly kind: "run" | StartCommandName;
  /** The option that help is wanted about, the pidfile of the master to be signalled, the page to ask for. */
  readonly topic?: string;
}

/** A command line, taken apart. */
export interface Arguments {
  readonly command: StartCommand;
  /** Options in order, then the INI files that were named without `--ini`. */
  readonly lines: readonly SettingLine[];
}

/**
 * Takes arguments apart: `--name value`, `--name=value`, `--flag`, unambiguous beginnings of names,
 * uWSGI's letters (`-p 4`, `-p4`, `-Mp4`), and `app.ini` or `app.ini:section`, which are read after
 * everything else, as in uWSGI. After `--` there are only files. Options nobody knows are kept, to
 * be reported with those of the files.
 */
export function parseArguments(argv: readonly string[], problems: Problems): Arguments {
  return new ArgumentParser(argv, problems).parse();
}

/** `app.ini`, `app.ini:section`. */
const INI_FILE = /\.ini(:[^:]*)?$/i;

class ArgumentParser {
  readonly #argv: readonly string[];
  readonly #problems: Problems;
  readonly #lines: SettingLine[] = [];
  readonly #files: SettingLine[] = [];
  #command: StartCommand = { kind: "run" };
  #next = 0;

  constructor(argv: readonly string[], problems: Problems) {
    this.#argv = argv;
    this.#problems = problems;
  }

  parse(): Arguments {
    let onlyFiles = false;
    for (let word = this.#take(); word !== undefined; word = this.#take()) {
      if (onlyFiles) this.#readFile(word);
      else if (word === "--") onlyFiles = true;
      else if (word.startsWith("--")) this.#readLong(word.slice(2));
      else if (word.startsWith("-") && word !== "-") this.#readLetters(word.slice(1));
      else this.#readFile(word);
    }
    return { command: this.#command, lines: [...this.#lines, ...this.#files] };
  }

  #readFile(word: string): void {
    const origin = this.#origin();
    if (INI_FILE.test(word)) {
      this.#files.push({ key: "ini", value: word, origin });
    } else {
      this.#error(
        origin,
        `Unexpected argument "${shorten(word)}" at ${
          formatOrigin(origin)
        }: an INI file whose name ` +
          `does not end in .ini needs --ini, the value of a flag needs =, as in --vacuum=false`,
      );
    }
  }

  #readLong(text: string): void {
    const origin = this.#origin();
    const equals = text.indexOf("=");
    const written = equals < 0 ? text : text.slice(0, equals);
    const joined = equals < 0 ? null : text.slice(equals + 1);
    const name = this.#complete(written, origin);
    const row = name === null ? undefined : findRow(name);
    if (name === null || row === undefined) {
      const value = joined ?? this.#takeLikelyValue();
      if (name !== null) this.#lines.push({ key: name, value, origin });
    } else {
      this.#add(row, name, joined ?? this.#valueFor(row, origin), origin);
    }
  }

  #readLetters(text: string): void {
    const origin = this.#origin();
    const letters = [...text];
    for (const [index, letter] of letters.entries()) {
      const row = ROWS.find(({ short }) => short === letter);
      const rest = letters.slice(index + 1).join("");
      if (row === undefined) {
        if (rest === "") this.#takeLikelyValue();
        return this.#reportLetter(letter, origin);
      }
      const takes = valueOf(row);
      if (takes === "none" || rest === "") {
        this.#add(row, row.name, this.#valueFor(row, origin), origin);
      } else {
        return this.#add(row, row.name, rest, origin);
      }
    }
  }

  /** The value of an option that is not joined to it; null, and reported, when there is none. */
  #valueFor(row: NamedRow, origin: Origin): string | null {
    if (row.name === "help") return this.#takeLikelyValue();
    if (valueOf(row) !== "required") return null;
    const value = this.#take();
    if (value === undefined) {
      this.#error(origin, `Option "--${row.name}" at ${formatOrigin(origin)} needs a value`);
    }
    return value ?? null;
  }

  /** Nobody can tell whether an unknown option has a value; what looks like one is taken for one. */
  #takeLikelyValue(): string | null {
    const next = this.#argv[this.#next];
    if (next === undefined || next.startsWith("-") || INI_FILE.test(next)) return null;
    return this.#take() ?? null;
  }

  #add(row: NamedRow, name: string, value: string | null, origin: Origin): void {
    const command = START_COMMANDS.find((one) => one === row);
    if (command === undefined) {
      if (value !== null || valueOf(row) !== "required") {
        this.#lines.push({ key: name, value, origin });
      }
    } else if (this.#command.kind === "run") {
      this.#command = { kind: command.name, ...(value === null ? {} : { topic: value }) };
    }
  }

  /** The whole name of what may be the beginning of one; null, and reported, if of several. */
  #complete(written: string, origin: Origin): string | null {
    // Names of uWSGI are never beginnings of ours: its --http is not our --http-socket.
    if (findRow(written) !== undefined || uwsgiOptions().has(written) || written === "") {
      return written;
    }
    const names = [...allNames()].filter((name) => name.startsWith(written));
    const [first] = names;
    if (first === undefined) return written;
    const row = findRow(first);
    if (row !== undefined && names.every((name) => isSameMeaning(row, first, name))) return first;
    const candidates = names.map((name) => `--${name}`).join(", ");
    const where = formatOrigin(origin);
    this.#error(origin, `Option "--${written}" at ${where} is ambiguous: it may be ${candidates}`);
    return null;
  }

  #reportLetter(letter: string, origin: Origin): void {
    const uwsgi = UWSGI_LETTERS.get(letter);
    const advice = uwsgi === undefined
      ? "see --help for all options"
      : `it is --${uwsgi} in uWSGI, which duwsgi lacks`;
    this.#error(origin, `Unknown option "-${letter}" at ${formatOrigin(origin)}: ${advice}`);
  }

  #take(): string | undefined {
    const word = this.#argv[this.#next];
    if (word !== undefined) this.#next++;
    return word;
  }

  #origin(): Origin {
    return { file: COMMAND_LINE, line: this.#next };
  }

  #error(origin: Origin, message: string): void {
    this.#problems.error(origin, message);
  }
}

/** Whether a value follows as a word of its own, may be joined, or is never expected. */
function valueOf(row: NamedRow): "required" | "optional" | "none" {
  const key = findOptionKey(row.name);
  if (key === undefined) {
    return row.argument === "" || row.argument.startsWith("[") ? "optional" : "required";
  }
  const { value } = OPTIONS[key].kind;
  return value === "flag" ? "none" : value;
}

/** Aliases that say more than the name of their option. */
const DISTINCT = ["http-socket", "https-socket", "https-socket2", "uwsgi-socket"];

/** Aliases mean the same, unless one of them negates. */
function isSameMeaning(row: NamedRow, first: string, name: string): boolean {
  const negates = (one: string) => /^(no|if-not)-/.test(one);
  return namesOf(row).includes(name) && negates(first) === negates(name) &&
    DISTINCT.every((one) => (first === one) === (name === one));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
