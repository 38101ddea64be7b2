/**
 * Replaces the workers of an instance over and over.
 *
 * @module
 */

import type { Instance } from "./instance.ts";

/** Chain reloads of an instance, one after the other until they are stopped. */
export class Chains {
  /** Workers replaced so far. */
  replaced = 0;
  readonly #instance: Instance;
  readonly #processes: number;
  readonly #done: Promise<void>;
  #stopped = false;
  #error: Error | null = null;

  /** Starts with the first one at once. */
  constructor(instance: Instance, processes: number) {
    this.#instance = instance;
    this.#processes = processes;
    this.#done = this.#run().catch((error: unknown) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Why there will be no further reload; null: nothing went wrong. */
  get error(): Error | null {
    return this.#error;
  }

  /** Lets the last one finish. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#instance.reload();
      this.replaced += this.#processes;
    }
  }
}
