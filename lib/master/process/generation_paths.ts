/**
 * Runs in the master. The directory and the script of each generation. Both are looked up once for a
 * generation, through all symbolic links, so that all of its workers run one release, also those that start
 * later; every reload looks them up again.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import type { MasterEvent } from "../../core/event.ts";
import type { MasterState } from "../../core/state.ts";
import { basename, dirname, resolve } from "../../paths.ts";
import { realPathOf } from "../../system/files/absolute_path.ts";
import {
  followDirectory,
  ownDirectory,
  ownsDirectory,
  writtenDirectory,
} from "../../system/files/working_directory.ts";
import { logLine } from "../log.ts";
import { isDirectory } from "./working_directory.ts";

/** Where the workers of a generation run, and what. */
export interface GenerationPaths {
  /** Their working directory, without symbolic links. */
  readonly directory: string;
  /** Its name in the configuration, which may lead elsewhere by now. */
  readonly name: string;
  /** Their script, in the folder that its path led to. */
  readonly script: string;
  /** What that script was, where it is a link itself. */
  readonly target: string;
}

/** What it takes of a configuration. */
type WorkConfig = Pick<Config, "script">;

/**
 * Where a generation runs that begins now.
 *
 * @throws {Error} If the directory is not there; the message is for operators.
 */
export function generationPathsNow({ script }: WorkConfig): GenerationPaths {
  const name = writtenDirectory();
  const directory = realDirectory(name, script.startsWith("/"));
  const path = pinned(resolve(directory, script));
  return { directory, name, script: path, target: realPathOf(path) };
}

/** A path through the folder that it leads to now: links above it are followed, it itself is not. */
export function pinned(path: string): string {
  return resolve(realPathOf(dirname(path)), basename(path));
}

/** The workplaces of the generations whose workers may still be started. */
export class PathsByGeneration {
  readonly #known: Map<number, GenerationPaths>;
  /** Generations of which was told that their workers do not run the same. */
  readonly #mixed = new Set<number>();

  /** `inherited`: those of the program before, by generation. */
  constructor(inherited: Readonly<Record<number, GenerationPaths>> = {}) {
    this.#known = new Map(
      Object.entries(inherited).map(([generation, place]) => [Number(generation), place]),
    );
  }

  /**
   * The workplace of a generation, which is looked up when its first worker starts.
   *
   * @throws {Error} If it is not there, or not any more; the message is for operators.
   */
  of(generation: number, config: WorkConfig): GenerationPaths {
    const known = this.#known.get(generation);
    if (known === undefined) {
      const place = generationPathsNow(config);
      this.#tell(generation, place);
      this.#known.set(generation, place);
      return place;
    }
    requireGenerationPaths(known, `generation ${generation}`);
    this.#tellMix(generation, known);
    return known;
  }

  /** For the next program of the master. */
  get record(): Readonly<Record<number, GenerationPaths>> {
    return Object.fromEntries(this.#known);
  }

  /** Nobody of an older generation will be started any more. */
  forgetBefore(generation: number): void {
    for (const old of [...this.#known.keys()]) if (old < generation) this.#known.delete(old);
  }

  /**
   * The master follows to where a generation runs, with everything that it starts from now on.
   *
   * @returns True if that is another directory than before.
   */
  follow(generation: number): boolean {
    const place = this.#known.get(generation);
    if (place === undefined || !ownsDirectory() || place.directory === ownDirectory()) return false;
    try {
      followDirectory(place.directory);
      return true;
    } catch (error) {
      const reason = errorText(error);
      const text = `The master stays in its directory, because ${place.directory} fails: ${reason}`;
      logLine("warning", text, { event: "directoryStays", directory: place.directory });
      return false;
    }
  }

  #tell(generation: number, { directory, name }: GenerationPaths): void {
    const before = [...this.#known.values()].at(-1);
    if (before === undefined || before.directory === directory) return;
    const text = `Generation ${generation} runs in ${directory}, to which ${name} leads now`;
    logLine("info", text, { event: "release", generation, directory, before: before.directory });
  }

  /** The script itself may be a link that was moved, whose folder tells nothing of that. */
  #tellMix(generation: number, { script, target }: GenerationPaths): void {
    const now = realPathOf(script);
    if (now === target || this.#mixed.has(generation)) return;
    this.#mixed.add(generation);
    const text =
      `Workers of generation ${generation} do not run the same: ${script} leads to ${now} now, and led ` +
      `to ${target} when the generation began. A reload has all of them run one`;
    logLine("warning", text, { event: "mixedRelease", generation, before: target, now });
  }
}

/**
 * Makes sure that a workplace is still there.
 *
 * @param who What runs there, for the message.
 * @throws {ReleaseGone} If it is not.
 */
export function requireGenerationPaths(place: GenerationPaths, who: string): void {
  const missing = missingOf(place);
  if (missing === null) return;
  throw new ReleaseGone(
    `${missing}, where ${who} runs, was removed: a reload starts it in what ${place.name} is now`,
  );
}

/** A generation, or a mule, has nothing to run any more. */
export class ReleaseGone extends Error {}

/**
 * A worker cannot start because what its generation runs was removed. Where nobody serves any more, there
 * is nothing to lose: a reload takes what is there now.
 */
export function reloadIfNobodyServes(
  { workers, reload, queued, phase }: MasterState,
  report: (masterEvent: MasterEvent) => void,
): void {
  if (
    workers.some(({ state }) => state === "accepting") || reload !== null || queued !== null ||
    phase !== "running"
  ) return;
  report({
    type: "reload",
    kind: "workers",
    why: "what the workers ran was removed, and none is left",
  });
}

/**
 * What of a workplace is not there any more; null: nothing. Where only the working directory of a script in
 * another folder is gone, another one stands in for it.
 */
function missingOf({ directory, script }: GenerationPaths): string | null {
  const folder = dirname(script);
  if (isDirectory(folder)) return null;
  return isDirectory(directory) ? folder : directory;
}

/** `isBeside`: the script is found without the directory, so another one does when it is gone. */
function realDirectory(name: string, isBeside: boolean): string {
  try {
    return Deno.realPathSync(name);
  } catch (error) {
    // Root may have started this process where its user may not look, and it can stay there.
    const staysHere = error instanceof Deno.errors.PermissionDenied ||
      (error instanceof Deno.errors.NotFound && isBeside);
    const own = staysHere ? ownDirectory() : null;
    if (own !== null) return own;
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such directory"
      : errorText(error);
    throw new Error(`Workers cannot start in ${name}: ${reason}`);
  }
}
