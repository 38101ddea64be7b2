/**
 * The text files of one reading of the configuration, each read once, however often it is used; and
 * the limit to how much text may be gone through, which ends hostile or runaway configurations.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { excerpt } from "../../foreign_text.ts";
import { resolve } from "../../paths.ts";
import type { ConfigSource } from "../source.ts";

/** Name under which standard input is read. */
export const STDIN_NAME = "-";

/** Reads files by name, standard input as `-`. */
export class TextFiles {
  readonly #source: ConfigSource;
  readonly #texts = new Map<string, string>();

  constructor(source: ConfigSource) {
    this.#source = source;
  }

  /**
   * The text of a file.
   *
   * @throws {SyntaxError} When it cannot be read; the message says which and why.
   */
  read(name: string): string {
    const path = this.identify(name);
    let text = this.#texts.get(path);
    if (text === undefined) {
      try {
        text = name === STDIN_NAME ? this.#source.stdin() : this.#source.readTextFile(name);
      } catch (error) {
        const reason = errorText(error);
        throw new SyntaxError(`cannot read "${excerpt(name, 200)}": ${reason}`, { cause: error });
      }
      this.#texts.set(path, text);
    }
    return text;
  }

  /** One text for all the ways to write the name of one file. */
  identify(name: string): string {
    return name === STDIN_NAME ? name : resolve(this.#source.cwd, name);
  }
}

/** Thrown when a configuration needs more than it can reasonably need; the message says of what. */
export class LimitError extends Error {
  override readonly name = "LimitError";
}

/** What one reading of the configuration may use up. */
export class Budget {
  #lines = 20_000;
  #characters = 16 * 1024 * 1024;

  /** Counts lines carried out, in loops each time. @throws {LimitError} When there were too many. */
  spendLines(count: number): void {
    this.#lines -= count;
    if (this.#lines < 0) {
      throw new LimitError("The configuration has more than 20000 lines, counting repetitions");
    }
  }

  /** Counts characters read or made. @throws {LimitError} When there were too many. */
  spendCharacters(count: number): void {
    this.#characters -= count;
    if (this.#characters < 0) {
      throw new LimitError("The configuration has more than 16 MiB of text, counting repetitions");
    }
  }
}
