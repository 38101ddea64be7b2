/**
 * Runs in the worker. Says in the log why requests are refused, and not as often as somebody sends them.
 *
 * @module
 */

import { printable } from "../../foreign_text.ts";

/** Between two lines, further refusals are counted (10 s). */
const REST_MS = 10_000;

/** Writes a line for refusals. */
export class RefusalLines {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #nextAt = -Infinity;
  #silent = 0;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  /** Something was refused. */
  add({ message }: { readonly message: string }): void {
    const now = this.#now();
    if (now < this.#nextAt) return void (this.#silent += 1);
    const more = this.#silent === 0 ? "" : ` (and ${this.#silent} more since the last such line)`;
    this.#nextAt = now + REST_MS;
    this.#silent = 0;
    this.#write(`Refused a connection of a proxy: ${printable(message)}${more}`);
  }
}
