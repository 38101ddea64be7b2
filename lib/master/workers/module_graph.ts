/**
 * Runs in the master, or for `--check`. What the script imports, as `deno info` finds it with the import
 * map that workers get.
 *
 * @module
 */

import { fromFileUrl } from "../../paths.ts";
import type { Config } from "../../config/config.ts";
import { loadJsonParser } from "../deno_project/json_file.ts";
import { DENO } from "../../system/process/program.ts";
import { readScriptLayers } from "../deno_project/script_config.ts";
import { isBinary } from "../../system/process/standalone.ts";
import { writtenPath } from "../../system/files/working_directory.ts";
import { importMapFlags } from "../deno_project/import_map_flags.ts";
import { importMapPath, loadSandbox, workerCommand } from "./worker_command.ts";
import { generationPathsNow } from "../process/generation_paths.ts";

/** One module of `deno info --json`. */
export interface Module {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly Dependency[];
}

/** What a module imports. */
export interface Dependency {
  readonly specifier: string;
  readonly code?: {
    readonly error?: string;
    readonly span?: { readonly start: { readonly line: number; readonly character: number } };
  };
}

/** No worker has this generation, so that the import map is nobody else's. */
const OWN_RUN = "graph";

/**
 * The script and everything it imports; modules that cannot be found or parsed are among them, with
 * an error.
 *
 * @param directory Where the import map is written.
 * @throws {Error} If Deno cannot look at all, for example because of a broken deno.json; the message is
 * one line.
 */
export async function moduleGraph(config: Config, directory: string): Promise<readonly Module[]> {
  if (isBinary()) throw new Error("a compiled duwsgi cannot look into scripts");
  // Composing the command reads the script's own configuration and writes the import map.
  await Promise.all([loadJsonParser(), loadSandbox(config)]);
  const place = generationPathsNow(config);
  workerCommand(config, OWN_RUN, directory, place);
  const map = importMapPath(directory, OWN_RUN);
  const command = new Deno.Command(DENO, {
    args: ["info", "--json", `--import-map=${map}`, place.script],
    cwd: place.directory,
    stdin: "null",
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  if (code !== 0) throw new Error(firstLine(new TextDecoder().decode(stderr)));
  return (JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] }).modules;
}

/** Where duwsgi's own modules are, which the script imports, too. */
const OWN_MODULES = new URL("../../", import.meta.url).href;

/** The local files among these modules, missing ones too, without duwsgi's own. */
export function localFiles(modules: readonly Module[]): string[] {
  return modules.flatMap(({ specifier }) =>
    specifier.startsWith("file://") && !specifier.startsWith(OWN_MODULES)
      ? [fromFileUrl(specifier)]
      : []
  );
}

/** Files that decide about the script beside its modules: itself, and its deno.json. */
export function scriptFiles(config: Config): string[] {
  // As it is written, so that a link that is moved is noticed, and where it is now.
  const written = writtenPath(config.script);
  try {
    const { script } = generationPathsNow(config);
    const { configFile } = readScriptLayers(script, importMapFlags(config.denoFlags));
    const files = script === written ? [script] : [written, script];
    return configFile === null ? files : [...files, configFile];
  } catch {
    // Whatever is wrong with it is told when the workers are started.
    return [written];
  }
}

/** The first line of what Deno says about an error. */
export function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/^error: /, "");
}
