/**
 * Runs in the master. The directory of `metrics-dir`: one file for each metric, which holds its value in
 * decimal; for a histogram the sum, and the counts of its buckets behind it.
 *
 * @module
 */

import { readRegularText } from "../../system/regular_file.ts";
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
    try {
      Deno.writeTextFileSync(file, "");
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
      text = readRegularText(file).slice(0, LONGEST_FILE);
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
        await Deno.writeTextFile(file + UNFINISHED, text);
        await Deno.rename(file + UNFINISHED, file);
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
