/**
 * Gives everybody who listens what happens, at their own speed and with a limit.
 *
 * @module
 */

/** A listener that is so far behind loses the oldest (1000). */
const MOST_WAITING = 1000;

/** Something that happens, for any number of listeners. */
export class EventStream<T> {
  readonly #listeners = new Set<Listener<T>>();
  #open = true;

  /** It happens. */
  put(item: T): void {
    for (const listener of this.#listeners) listener.put(item);
  }

  /** Nothing happens any more: listeners end when they have got what there was. */
  close(): void {
    this.#open = false;
    for (const listener of this.#listeners) listener.close();
  }

  /** What happens from now on, until it ends or the caller leaves the loop. */
  listen(): AsyncIterableIterator<T, undefined> {
    const listener = new Listener<T>(() => this.#listeners.delete(listener));
    if (this.#open) this.#listeners.add(listener);
    else listener.close();
    return listener;
  }
}

class Listener<T> implements AsyncIterableIterator<T, undefined> {
  readonly #leave: () => void;
  readonly #waiting: T[] = [];
  #wake = Promise.withResolvers<void>();
  #open = true;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  put(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#wake.resolve();
  }

  close(): void {
    this.#open = false;
    this.#wake.resolve();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#waiting.length === 0 && this.#open) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    const value = this.#waiting.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    this.#waiting.length = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
