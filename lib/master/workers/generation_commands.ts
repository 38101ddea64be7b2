/**
 * Runs in the master. What the workers of each generation are started with: their command and the files that it
 * names, in the master's own directory.
 *
 * @module
 */

import { exists, removeUseless } from "../../system/files/owned_path.ts";
import { logLine } from "../log.ts";
import { writeFacts } from "./start_worker.ts";
import type { Resources } from "../resources.ts";
import { forgetCommand, type WorkerCommand, workerCommand } from "./worker_command.ts";
import type { RunConfig } from "../run_config.ts";

/** What was written for a generation. */
interface WrittenFile {
  readonly path: string;
  readonly text: string;
}

/** What the workers of a generation are started with. */
interface Known {
  readonly command: WorkerCommand;
  /** Where its files were written. */
  readonly directory: string;
  readonly files: readonly WrittenFile[];
}

/** The commands of the generations whose workers may still be started. */
export class GenerationCommands {
  readonly #resources: Resources;
  /** By generation. */
  readonly #known = new Map<number, Known>();
  /** What was said of the generation before, and is not said again. */
  #notes: ReadonlySet<string> = new Set();

  /** There are none yet. */
  constructor(resources: Resources) {
    this.#resources = resources;
  }

  /**
   * The same for all workers of a generation: the script's configuration is read once for them, and again
   * if the master has another directory by now. Files that somebody has removed, as cleaners of old files do, are
   * written anew as they were.
   *
   * @throws {ReleaseGone} If what the generation runs was removed.
   * @throws {Error} As `workerCommand()`.
   */
  of(generation: number, instruction: RunConfig): WorkerCommand {
    const { control, certificates, workplaces } = this.#resources;
    const directory = control.ensureDirectory();
    const place = workplaces.of(generation, instruction.config);
    const known = this.#known.get(generation);
    if (known?.directory === directory) {
      known.files.forEach(restore);
      return known.command;
    }
    const command = workerCommand(instruction.config, String(generation), directory, place);
    // Certificates are in no directory.
    if (known === undefined) certificates?.prepare(generation, instruction.config.sockets);
    const path = factsPath(directory, generation);
    const facts = { path, text: writeFacts(instruction, this.#resources, path) };
    for (const note of command.notes.filter((one) => !this.#notes.has(one))) {
      logLine("warning", note, { event: "note" });
    }
    this.#notes = new Set(command.notes);
    const files = command.importMap === null ? [facts] : [command.importMap, facts];
    this.#known.set(generation, { command, directory, files });
    return command;
  }

  /**
   * Forgets older generations, with their files.
   *
   * @returns The numbers of those that were known.
   */
  forgetBefore(generation: number): number[] {
    const { control, certificates, workplaces } = this.#resources;
    certificates?.forgetBefore(generation);
    workplaces.forgetBefore(generation);
    const now = control.ensureDirectory();
    const old = [...this.#known].filter(([number]) => number < generation);
    for (const [number, { directory }] of old) {
      this.#known.delete(number);
      // What was written to a directory that is the master's no more is not touched.
      if (directory !== now) continue;
      forgetCommand(directory, String(number));
      removeUseless(factsPath(directory, number));
    }
    return old.map(([number]) => number);
  }
}

/** Writes a file that is gone. One that is there may be in use. */
function restore({ path, text }: WrittenFile): void {
  if (exists(path)) return;
  Deno.writeTextFileSync(path, text, { createNew: true });
  const said = `Somebody has removed ${path}: it is written anew`;
  logLine("warning", said, { event: "fileRenewed", path });
}

/** Where the facts for the workers of a generation are written. */
export function factsPath(directory: string, generation: number): string {
  return `${directory}/facts_${generation}.json`;
}
