/**
 * Runs in the master. The one queue into which everything that happens is put, and the one place
 * where the master waits.
 *
 * @module
 */

/** A queue that waits for its next item, at most until a deadline. */
export class EventQueue<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | null = null;

  /** Puts an item at the end. */
  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /**
   * Takes the next item.
   *
   * @param deadline Monotonic time in milliseconds; null: wait as long as it takes.
   * @returns The item, or undefined when the deadline came first.
   */
  async next(deadline: number | null): Promise<T | undefined> {
    if (this.#items.length === 0) await this.#wait(deadline);
    return this.#items.shift();
  }

  #wait(deadline: number | null): Promise<void> {
    return new Promise<void>((resolve) => {
      // Deno's timers end at 2^31 ms; whoever waits longer than that just looks again.
      const ms = deadline === null ? null : Math.min(deadline - performance.now(), 2 ** 31 - 1);
      const timer = ms === null ? undefined : setTimeout(resolve, Math.max(0, ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    }).then(() => {
      this.#wake = null;
    });
  }
}
