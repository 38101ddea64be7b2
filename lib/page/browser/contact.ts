/**
 * Asks the master for its stats: once a second, less often while nobody answers, and not at all
 * while nobody looks.
 *
 * @module
 */

/// <reference lib="dom" />

import type { Stats } from "../../stats/stats.ts";
import { ANSWER_MS, nextPollIn, readStats } from "./polling.ts";

/** Who wants to know. */
export interface StatsListener {
  /** The master answered. */
  readonly answered: (stats: Stats) => void;
  /** It did not: why, since when and until when, in milliseconds since the epoch. */
  readonly missed: (why: string, since: number, nextAt: number) => void;
}

/** The contact with a master. */
export class StatsPoller {
  readonly #listener: StatsListener;
  #failures = 0;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;

  /** Begins to ask. */
  constructor(listener: StatsListener) {
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => this.now());
    void this.#ask();
  }

  /** Asks at once, unless it is asking already or nobody looks. */
  now(): void {
    clearTimeout(this.#timer);
    if (!document.hidden && !this.#asking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const begun = performance.now();
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const stats = await readStats(await fetch("./stats", { cache: "no-store", signal }));
      this.#failures = 0;
      this.#listener.answered(stats);
    } catch (error) {
      this.#failures++;
      if (this.#failures === 1) this.#since = Date.now();
      const next = Date.now() + nextPollIn(this.#failures, 0);
      this.#listener.missed(reasonOf(error), this.#since, next);
    }
    this.#asking = false;
    const pause = nextPollIn(this.#failures, performance.now() - begun);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#ask(), pause);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${ANSWER_MS / 1000} s`;
  }
  // What browsers say of a refused connection differs, and explains nothing.
  if (error instanceof TypeError) return "it cannot be reached";
  return error instanceof Error ? error.message : String(error);
}
