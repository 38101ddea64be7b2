/**
 * Runs in the master. Stands for everything that shows what the instance is like, and loads it when
 * somebody wants to see something: other masters have no use for its modules.
 *
 * @module
 */

import type { StatsSource, StatsSourceSetup } from "./stats_source.ts";

/** What shows the instance. */
export class Views {
  readonly #setup: StatsSourceSetup;
  #source: Promise<StatsSource> | null = null;

  /** Nothing is loaded yet. */
  constructor(setup: StatsSourceSetup) {
    this.#setup = setup;
  }

  /** Where the stats come from: one for all who show them. */
  source(): Promise<StatsSource> {
    return this.#source ??= import("./stats_source.ts").then(({ StatsSource }) =>
      new StatsSource(this.#setup)
    );
  }
}
