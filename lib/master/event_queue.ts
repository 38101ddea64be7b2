/**
 * Runs in the master. The one queue into which everything that happens is put, and the one place
 * where the master waits.
 *
 * @module
 */

import { after } from "../system/timing.ts";

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
      const cancel = deadline === null ? null : after(deadline - performance.now(), resolve);
      this.#wake = () => {
        cancel?.();
        resolve();
      };
    }).then(() => {
      this.#wake = null;
    });
  }
}

/** The earlier one of two deadlines; null: there is none. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.min(a, b);
}
