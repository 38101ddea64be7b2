/**
 * Changes an instance over and over.
 *
 * @module
 */

/** Changes, one after the other until they are stopped. */
export class Changes {
  /** How many there were, as the changes themselves count. */
  count = 0;
  readonly #change: (round: number) => Promise<number>;
  readonly #done: Promise<void>;
  #stopped = false;
  #error: Error | null = null;

  /**
   * Starts with the first one at once.
   *
   * @param change Makes the next one, the first in round 0, and waits until it is through; returns how
   * much it counts.
   */
  constructor(change: (round: number) => Promise<number>) {
    this.#change = change;
    this.#done = this.#run().catch((error: unknown) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Why there will be no further change; null: nothing went wrong. */
  get error(): Error | null {
    return this.#error;
  }

  /** Lets the last one finish. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#stopped; round++) this.count += await this.#change(round);
  }
}
