/**
 * Runs in the worker. Collects what is to be written, for one write: the system call costs as much as the
 * rest of a line. And lines that are made one after the other take half the time of a line now and then.
 *
 * @module
 */

/** What waits at most: some 20 KB of lines. */
const MOST = 128;

/** Items that are written together a moment later. */
export class Batch<T> {
  readonly #write: (items: readonly T[]) => void;
  readonly #flush: () => void;
  #items: T[] = [];

  /** `write` gets one item or more, in order. */
  constructor(write: (items: readonly T[]) => void) {
    this.#write = write;
    this.#flush = () => this.flush();
  }

  /** Adds an item. */
  add(item: T): void {
    const count = this.#items.push(item);
    if (count === 1) setTimeout(this.#flush, 0);
    else if (count >= MOST) this.flush();
  }

  /** Writes what waits, now. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#write(items);
  }
}
