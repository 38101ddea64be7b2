/**
 * Runs in the master. The directory of `metrics-dir`: one file for each metric, which holds its value in
 * decimal; for a histogram the sum, and the counts of its buckets behind it.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { type Libc, libc, SystemCallError } from "../../system/libc.ts";
import { readSmallFile, replaceText } from "../../system/files/trusted_file.ts";
import { isRoot, openPlace } from "../../system/files/trusted_path.ts";
import { readRegularText } from "../../system/files/regular_file.ts";
import { logLine } from "../log.ts";

/** Ends the name of a file that is being written; no metric can be called like that. */
const UNFINISHED = "~";
/** No file of ours is longer; what comes behind is not read. */
const LONGEST_FILE = 16_384;

/** What a metric's file should hold. */
export interface MetricText {
  readonly name: string;
  readonly text: string;
}

/** The files of the metrics. */
export class MetricDirectory {
  /** Path of the directory. */
  readonly path: string;
  readonly #written = new Map<string, string>();
  #writing: Promise<void> | null = null;
  #failed = false;

  /** Nothing is read or written yet. */
  constructor(path: string) {
    this.path = path;
  }

  /** What is in the way of writing to the directory; null: nothing is. */
  problem(): string | null {
    const file = `${this.path}/${UNFINISHED}`;
    const c = libc();
    try {
      if (c === null) Deno.writeTextFileSync(file, "");
      else replaceText(c, file, "", UNFINISHED + UNFINISHED);
      Deno.removeSync(file);
      return null;
    } catch (error) {
      return `Cannot write to the directory of metrics-dir, "${this.path}": ${reasonOf(error)}`;
    }
  }

  /** The numbers in a metric's file; null: there is none, or it is no good, which the log says. */
  restore(name: string, count: number): readonly bigint[] | null {
    const file = `${this.path}/${name}`;
    let text = "";
    try {
      const c = libc();
      const found = c === null ? readRegularText(file) : readText(c, file);
      if (found === null) return null;
      text = found.slice(0, LONGEST_FILE);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#warn(`Cannot restore the metric "${name}": ${reasonOf(error)}`);
      }
      return null;
    }
    // uWSGI fills a page with NULs.
    const words = text.split(/[\s\0]+/).filter((word) => word !== "");
    const numbers = words.filter((word) => /^-?[0-9]{1,19}$/.test(word)).map(BigInt);
    const good = words.length === count && numbers.length === count &&
      numbers.every((number) => BigInt.asIntN(64, number) === number);
    if (good) return numbers;
    const wanted = count === 1 ? "a number" : `${count} numbers`;
    this.#warn(`Cannot restore the metric "${name}", because "${file}" does not hold ${wanted}`);
    return null;
  }

  /** Writes the files of metrics that have changed, unless the last time is still going on. */
  write(metrics: readonly MetricText[]): Promise<void> {
    return this.#writing ??= this.#write(metrics).finally(() => this.#writing = null);
  }

  /** The same, when the last time is over. */
  async writeLast(metrics: readonly MetricText[]): Promise<void> {
    await this.#writing;
    await this.write(metrics);
  }

  async #write(metrics: readonly MetricText[]): Promise<void> {
    for (const { name, text } of metrics) {
      if (this.#written.get(name) === text) continue;
      const file = `${this.path}/${name}`;
      try {
        // A rename: whoever reads the file, and whatever happens, there is the old value or the new one.
        await replaceFile(this.path, name, text);
        this.#written.set(name, text);
        this.#failed = false;
      } catch (error) {
        // One line, also when it happens each second.
        if (!this.#failed) {
          this.#warn(`Cannot write the metric "${name}" to "${file}": ${reasonOf(error)}`);
        }
        this.#failed = true;
        return;
      }
    }
  }

  #warn(text: string): void {
    logLine("warning", text, { event: "metricsDir" });
  }
}

/** Null: there is none. */
function readText(c: Libc, path: string): string | null {
  return readSmallFile(c, path, LONGEST_FILE, true)?.text ?? null;
}

/**
 * Writes a file as a whole, in a thread of Deno's: a slow disk holds up nobody else. Root does it in the
 * directory that the path leads to now; nobody follows a link where the file is written.
 */
async function replaceFile(directory: string, name: string, text: string): Promise<void> {
  const c = libc();
  using place = c !== null && isRoot(c)
    ? openPlace(c, `${directory}/${name}`, { follow: false })
    : null;
  const path = place === null ? `${directory}/${name}` : `/proc/self/fd/${place.directory}/${name}`;
  try {
    await Deno.writeTextFile(path + UNFINISHED, text, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // Left over from a master that was killed, or put there by somebody else.
    await Deno.remove(path + UNFINISHED);
    await Deno.writeTextFile(path + UNFINISHED, text, { createNew: true });
  }
  await Deno.rename(path + UNFINISHED, path);
}

function reasonOf(error: unknown): string {
  if (error instanceof SystemCallError) return error.reason;
  return errorText(error);
}
