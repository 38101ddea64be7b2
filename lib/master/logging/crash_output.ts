/**
 * Runs in the master. What a worker prints by itself where the log is no plain text, Deno's words about
 * its death above all: the worker reads it as long as it lives, and the master reads the rest.
 *
 * @module
 */

import type { Libc } from "../../system/libc.ts";
import { createWordFile, readLines, type WordFile } from "../../system/files/output_file.ts";

/** What a worker says at its end are few lines; more of them are left out. */
const MOST_LINES = 1_000;

/** The words of one worker. */
export class CrashOutput {
  /** Descriptor they are read from. */
  readonly read: number;
  readonly #libc: Libc;
  #write: number | null;

  private constructor(c: Libc, read: number, write: number | null) {
    this.#libc = c;
    this.read = read;
    this.#write = write;
  }

  /** For a worker that is about to be started. */
  static create(c: Libc): CrashOutput {
    const { read, write } = createWordFile(c);
    return new CrashOutput(c, read, write);
  }

  /** For a worker of the program that was here before. */
  static keep(c: Libc, read: number): CrashOutput {
    return new CrashOutput(c, read, null);
  }

  /** What the worker inherits; null: it has it. */
  get file(): WordFile | null {
    return this.#write === null ? null : { write: this.#write, read: this.read };
  }

  /** The worker has it: only what is to be read stays here. */
  given(): void {
    if (this.#write !== null) this.#libc.close(this.#write);
    this.#write = null;
  }

  /** The worker is dead: what it has said and not written to the log itself. */
  rest(): string[] {
    return readLines(this.#libc, this.read, true).slice(-MOST_LINES);
  }

  /** Gives it up. */
  close(): void {
    this.given();
    this.#libc.close(this.read);
  }
}
