/**
 * Runs in the master. The collector `file`: numbers that other programs, or the kernel, write to files.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { numberInColumn } from "../../core/policies/metrics.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { logLine } from "../log.ts";

/** A file is read up to here, as in uWSGI. */
const FILE_BYTES = 4_096;
/** What is not read by then is taken when it is (500 ms). */
const PATIENCE_MS = 500;

/** A metric that is collected from a file. */
export interface FileMetric {
  readonly name: string;
  readonly path: string;
  /** Which of the words in the file, from 0. */
  readonly column: number;
  /** Takes the number. */
  take(found: bigint): void;
}

/** Reads files, each of them once at a time. */
export class MetricFiles {
  readonly #reading = new Set<string>();
  readonly #broken = new Set<string>();

  /** Reads these files; fulfilled when that is done, or takes too long. */
  async collect(metrics: readonly FileMetric[]): Promise<void> {
    const free = metrics.filter(({ name }) => !this.#reading.has(name));
    if (free.length === 0) return;
    await fulfilledWithin(Promise.all(free.map((metric) => this.#collect(metric))), PATIENCE_MS);
  }

  async #collect({ name, path, column, take }: FileMetric): Promise<void> {
    this.#reading.add(name);
    try {
      const found = numberInColumn(await firstBytes(path), column);
      if (found === null) throw new Error(`there is no number in column ${column}`);
      take(found);
      this.#broken.delete(name);
    } catch (error) {
      const reason = errorText(error);
      this.#tellOnce(name, `Cannot collect the metric "${name}": ${path}: ${reason}`);
    } finally {
      this.#reading.delete(name);
    }
  }

  /** One line until it works again. */
  #tellOnce(name: string, text: string): void {
    if (this.#broken.has(name)) return;
    this.#broken.add(name);
    logLine("warning", text, { event: "metricFile", metric: name });
  }
}

async function firstBytes(path: string): Promise<string> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(FILE_BYTES);
  const length = await file.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}
