/**
 * The grammars of options that have one of their own. Most configurations use few of these options, so
 * a grammar is loaded when a line of it is met: reading the configuration begins anew then.
 *
 * @module
 */

import type { OptionLine } from "../origin.ts";

/** Reads one line of an option, see `lines` in `option_kind.ts`. */
export type ReadLine<T> = (line: OptionLine) => T;

/** A line was met whose grammar is not loaded: call {@linkcode load}, and read the configuration again. */
export class ParserNotLoaded extends Error {
  /** Loads it. */
  readonly load: () => Promise<void>;

  /** Takes what loads it. */
  constructor(load: () => Promise<void>) {
    super("A grammar of the configuration is not loaded");
    this.name = "GrammarNeeded";
    this.load = load;
  }
}

const loaders: (() => Promise<void>)[] = [];

/**
 * A reader that is loaded when it is needed.
 *
 * @throws {ParserNotLoaded} When it is called before that.
 */
export function lazyParser<T>(loadReader: () => Promise<ReadLine<T>>): ReadLine<T> {
  let read: ReadLine<T> | null = null;
  const load = async () => {
    read ??= await loadReader();
  };
  loaders.push(load);
  return (line) => {
    if (read === null) throw new ParserNotLoaded(load);
    return read(line);
  };
}

/** Loads all grammars, for who cannot wait later on. */
export async function loadGrammars(): Promise<void> {
  await Promise.all(loaders.map((load) => load()));
}
