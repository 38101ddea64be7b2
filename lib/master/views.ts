/**
 * Runs in the master. Stands for everything that shows what the instance is like, and loads it when it
 * is configured: other masters have no use for its modules.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { logLine } from "./log.ts";
import type { StatsSource, StatsSourceSetup } from "./stats_source.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ViewServers } from "./view_servers.ts";

/** What is shown, and what it is shown with. */
export interface ViewsSetup extends StatsSourceSetup {
  readonly surroundings: StatsSourceSetup["surroundings"] & Pick<Surroundings, "views" | "control">;
  readonly config: () => Config;
}

/** What shows the instance. */
export class Views {
  readonly #setup: ViewsSetup;
  #source: Promise<StatsSource> | null = null;
  #servers: ViewServers | null = null;
  #closed = false;

  /** Nothing is loaded yet. */
  constructor(setup: ViewsSetup) {
    this.#setup = setup;
  }

  /** Where the stats come from: one for all who show them. */
  source(): Promise<StatsSource> {
    return this.#source ??= import("./stats_source.ts").then(({ StatsSource }) =>
      new StatsSource(this.#setup)
    );
  }

  /** Answers at the addresses that are open for it. */
  async open(): Promise<void> {
    this.#closed = false;
    if (this.#setup.surroundings.views.records.length === 0) return;
    try {
      const source = await this.source();
      const { ViewServers } = await import("./view_servers.ts");
      if (!this.#closed) this.#servers = new ViewServers(this.#setup, source);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logLine("error", `The stats cannot be shown: ${reason}`, { event: "viewFailed" });
    }
  }

  /** Answers no more: whoever connects now waits, as long as the sockets are open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#servers?.close();
    this.#servers = null;
  }
}
