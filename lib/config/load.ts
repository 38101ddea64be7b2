/**
 * From arguments to configuration, in five steps: take the command line apart, carry out directives,
 * expand values, resolve options, collect what is wrong.
 *
 * @module
 */

import { parseArguments, type StartCommand } from "./command_line.ts";
import { assemble } from "./ini/directives.ts";
import type { Config } from "./config.ts";
import type { Entry } from "./ini/entry.ts";
import { environmentLines } from "./ini/environment.ts";
import { Expander } from "./ini/expand.ts";
import { COMMAND_LINE, type Problem, Problems, STDIN } from "./problem.ts";
import { findOptionKey, OPTIONS } from "./options.ts";
import { type ResolveContext, resolveEntries } from "./resolve.ts";
import type { ConfigSource } from "./source.ts";
import { LimitError } from "./ini/text_files.ts";
import type { Origin } from "./origin.ts";

/** Everything one reading of the configuration came to. */
export interface Loaded {
  /** What the user wants. */
  readonly command: StartCommand;
  /** The configuration; null when there is an error, or when the command needs none. */
  readonly config: Config | null;
  /** The same as far as it could be read, for what goes on to look for more problems. */
  readonly draft: Config | null;
  /** The entries in order of effect, placeholders replaced. */
  readonly entries: readonly Entry[];
  /** All problems, in the order of files and lines. */
  readonly problems: readonly Problem[];
  /** The INI files read, as the user named them, each once. Standard input is not among them. */
  readonly files: readonly string[];
}

/** A configuration whose entries are read, and whose values are not. */
interface ReadEntries {
  readonly entries: readonly Entry[];
  readonly problems: Problems;
  /** What values are read from; the other one: the command needs no configuration. */
  readonly rest:
    | { readonly files: readonly string[]; readonly context: ResolveContext }
    | { readonly loaded: Loaded };
  readonly command: StartCommand;
}

/**
 * Reads the configuration. Never throws for anything a user can write: see {@linkcode Loaded.problems}.
 *
 * Weakest are `UWSGI_…` environment variables, then come the options of the command line with the
 * files they name, in order, then files named without `--ini`, then files to `inherit`. Of single
 * values the last one counts, lists have them all, and of placeholders the first one counts.
 *
 * @param argv The arguments, without the name of the program.
 * @throws {TypeError} If it takes a parser that is not loaded: see {@linkcode loadConfigAsync}, and
 * {@linkcode loadGrammars} for who cannot wait.
 */
export function loadConfig(argv: readonly string[], source: ConfigSource): Loaded {
  return readValues(readEntries(argv, source));
}

/** Like {@linkcode loadConfig}, and loads the parsers that it takes. */
export async function loadConfigAsync(
  argv: readonly string[],
  source: ConfigSource,
): Promise<Loaded> {
  const read = readEntries(argv, source);
  await Promise.all(read.entries.map(({ key }) => parserOf(key)));
  return readValues(read);
}

function parserOf(name: string): Promise<void> | null {
  const key = findOptionKey(name);
  return key === undefined ? null : OPTIONS[key].kind.load?.(name) ?? null;
}

function readEntries(argv: readonly string[], source: ConfigSource): ReadEntries {
  const problems = new Problems();
  const { command, lines } = parseArguments(argv, problems);
  const nothing = { command, config: null, draft: null, entries: [], files: [] };
  const without = (found: readonly Problem[]): ReadEntries => ({
    command,
    problems,
    entries: [],
    rest: { loaded: { ...nothing, problems: found } },
  });
  if (command.kind === "help" || command.kind === "version") return without([]);
  if (command.kind === "reload" || command.kind === "stop" || command.kind === "pause") {
    return without(problems.sorted([]));
  }
  const { scope, files, incomplete } = assemble(
    [environmentLines(source), lines],
    source,
    problems,
  );
  const origin: Origin = { file: files[0] ?? COMMAND_LINE, line: 1 };
  const expander = new Expander(scope, true);
  const entries: Entry[] = [];
  try {
    for (const entry of scope.entries) {
      const { key, placeholder, origin } = entry;
      const value = expander.entryValue(entry);
      const fromFile = expander.isFromFile(entry) ? { fromFile: true } : {};
      entries.push({ key, value, origin, placeholder, ...fromFile });
    }
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    problems.error(origin, `${error.message}: look for placeholders that repeat each other`);
  }
  const { socketsPassed } = source;
  const context = { used: expander.used, incomplete, socketsPassed, origin };
  return { command, problems, entries, rest: { files, context } };
}

function readValues({ command, problems, entries, rest }: ReadEntries): Loaded {
  if ("loaded" in rest) return rest.loaded;
  const { files, context } = rest;
  const config = resolveEntries(entries, context, problems);
  return {
    command,
    config: problems.fatal ? null : config,
    draft: config,
    entries,
    problems: problems.sorted(files),
    files: files.filter((file) => file !== STDIN),
  };
}
