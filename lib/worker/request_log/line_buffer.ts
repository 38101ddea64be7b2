/**
 * Runs in the worker. Collects lines for one write: the system call costs as much as the rest of a line.
 *
 * @module
 */

/** Waiting lines at which they are written without waiting for more: some 20 KB. */
const MOST_LINES = 128;

/** Lines that are written together as soon as the event loop turns. */
export class LineBuffer {
  readonly #write: (lines: readonly string[]) => void;
  readonly #flush: () => void;
  #lines: string[] = [];

  /** `write` gets one line or more, in order. */
  constructor(write: (lines: readonly string[]) => void) {
    this.#write = write;
    this.#flush = () => this.flush();
  }

  /** Adds a line, without a line end. */
  add(line: string): void {
    const count = this.#lines.push(line);
    if (count === 1) setTimeout(this.#flush, 0);
    else if (count >= MOST_LINES) this.flush();
  }

  /** Writes what waits, now. */
  flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#write(lines);
  }
}
