/**
 * Reads a configuration for a program that has duwsgi as a library.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { loadConfigAsync, type Loaded } from "../config/load.ts";
import { COMMAND_LINE, type Problem } from "../config/problem.ts";
import type { ConfigSource } from "../config/source.ts";
import { denoConfigSource, type SourceBase } from "../instance/config_source.ts";
import { captureStarted } from "../system/process/program.ts";

/** Where a configuration is; what is given of several sources is put together, in this order. */
export interface ConfigInput {
  /** Options as on the command line: `["--processes", "2", "--vacuum"]`. */
  readonly args?: readonly string[];
  /** Path of an INI file, with its section if need be: `app.ini`, `app.ini:staging`. */
  readonly file?: string;
  /** Text of an INI file, which messages call `<ini>`. */
  readonly ini?: string;
}

/** What a configuration came to. */
export interface ParsedConfig {
  /** The configuration, complete with all defaults; null: there is an error among the problems. */
  readonly config: Config | null;
  /** All errors and warnings at once, in the order of files and lines; each names its place. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a configuration, by the same rules as the program: `UWSGI_…` variables of the environment count
 * too, and relative paths mean the working directory. Nothing is opened or changed.
 *
 * ```ts
 * import { parseConfig } from "@duwsgi/duwsgi";
 *
 * const { config, problems } = await parseConfig({
 *   ini: `[uwsgi]
 *     http-socket = 127.0.0.1:8080
 *     processes = 4
 *     deno-worker-override = app.ts`,
 * });
 * for (const { severity, message } of problems) console.error(`${severity}: ${message}`);
 * console.log(config?.processes); // 4
 * ```
 */
export async function parseConfig(input: ConfigInput): Promise<ParsedConfig> {
  const { argv, source } = reading(input, hostBase(), false);
  const { config, problems } = optionsOnly(await loadConfigAsync(argv, source));
  return { config, problems };
}

/** The name of a text in messages. */
const TEXT = "<ini>";

/** What a reading starts from in a process that is not the instance's own. */
export function hostBase(): SourceBase {
  return {
    cwd: Deno.cwd(),
    startedAtMs: Date.now(),
    // They, and standard input, are for the program whose process it is.
    passedSockets: [],
    started: captureStarted(),
    stdin: () => {
      throw new Error("a library does not read it: give the text itself");
    },
    stdinRead: () => null,
  };
}

/** How an input is read: as these arguments, from this source. */
export function reading(
  { args = [], file, ini }: ConfigInput,
  base: SourceBase,
  reloading: boolean,
): { readonly argv: readonly string[]; readonly source: ConfigSource } {
  const files = [file, ini === undefined ? undefined : TEXT];
  const named = files.flatMap((name) => name === undefined ? [] : [`--ini=${name}`]);
  return { argv: [...args, ...named], source: withText(denoConfigSource(base, reloading), ini) };
}

/** The same without a configuration if there is a command among the arguments. */
export function optionsOnly(loaded: Loaded): Loaded {
  const { kind } = loaded.command;
  if (kind === "run") return loaded;
  const message = `--${kind} is a command for the program and no option: leave it out`;
  const origin = { file: COMMAND_LINE, line: 1 };
  return { ...loaded, config: null, problems: [{ severity: "error", message, origin }] };
}

function withText(source: ConfigSource, text: string | undefined): ConfigSource {
  if (text === undefined) return source;
  return {
    ...source,
    readTextFile: (path) => path === TEXT ? text : source.readTextFile(path),
    kind: (path) => path === TEXT ? "file" : source.kind(path),
  };
}
