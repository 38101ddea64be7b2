/**
 * The parsers of options that have a grammar of their own. Most configurations use few of these options, so
 * a parser is loaded when an entry needs it, before values are read.
 *
 * @module
 */

import type { OptionLine } from "../origin.ts";
import { type OptionKind, required } from "./option_kind.ts";

/** Reads one line of an option that has a grammar of its own. */
export interface ReadLine<T> {
  (line: OptionLine): T;
  /** Loads the parser; null: it is loaded. Absent: it always is. */
  readonly load?: () => Promise<void> | null;
}

/** A reader whose values are checked; `check` throws what is wrong, as {@linkcode OptionKind.add} does. */
export function withCheck<T>(read: ReadLine<T>, check: (value: T) => void): ReadLine<T> {
  const { load } = read;
  const checked = (line: OptionLine): T => {
    const value = read(line);
    check(value);
    return value;
  };
  return load === undefined ? checked : Object.assign(checked, { load });
}

/** How a kind loads the parser that it reads lines with. */
function loading<T>({ load }: ReadLine<T>): Pick<OptionKind<T>, "load"> {
  return load === undefined ? {} : { load: () => load() };
}

/** Any number of lines with a grammar of their own. */
export function lines<T extends OptionLine>(
  read: ReadLine<T>,
): OptionKind<readonly T[]> {
  return {
    value: "required",
    repeatable: true,
    ...loading(read),
    add: (before, written) => {
      const { name: option, origin } = written;
      return [...before, read({ option, text: required(written), origin })];
    },
    write: (values) => values.map(({ option, text }) => ({ name: option, value: text })),
  };
}

const loaders: (() => Promise<void>)[] = [];

/**
 * A parser that is loaded when it is needed, by {@linkcode ReadLine.load}.
 *
 * @throws {TypeError} When it is called before that.
 */
export function lazyParser<T>(loadParser: () => Promise<(line: OptionLine) => T>): ReadLine<T> {
  let parse: ((line: OptionLine) => T) | null = null;
  const load = async () => {
    parse ??= await loadParser();
  };
  loaders.push(load);
  const read = (line: OptionLine) => {
    if (parse === null) throw new TypeError(`The parser of ${line.option} is not loaded`);
    return parse(line);
  };
  return Object.assign(read, { load: () => parse === null ? load() : null });
}

/** Loads all parsers, for who cannot wait later on. */
export async function loadGrammars(): Promise<void> {
  await Promise.all(loaders.map((load) => load()));
}
