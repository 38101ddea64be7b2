/**
 * Runs in the master. Stands for everything that shows what the instance is like, and loads it when it
 * is configured: other masters have no use for its modules.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { Pushers } from "./pushers.ts";
import { VIEW_BACKLOG } from "../sockets/listener.ts";
import { logLine } from "../log.ts";
import type { StatsEndpointsSetup, StatsSource } from "./stats_source.ts";
import type { StatsSocketConfig } from "../sockets/stats_listeners.ts";
import type { StatsServers } from "./stats_servers.ts";

/** What shows the instance. */
export class StatsEndpoints {
  readonly #setup: StatsEndpointsSetup;
  #source: Promise<StatsSource> | null = null;
  #servers: StatsServers | null = null;
  #pushers: Pushers | null = null;
  #closed = false;
  #closes = 0;
  #opening: Promise<unknown> = Promise.resolve();

  /** Nothing is loaded yet. */
  constructor(setup: StatsEndpointsSetup) {
    this.#setup = setup;
  }

  /** Where the stats come from: one for all who show them. */
  source(): Promise<StatsSource> {
    return this.#source ??= lazyImport<typeof import("./stats_source.ts")>(
      import.meta.resolve("./stats_source.ts"),
    ).then(({ StatsSource }) => new StatsSource(this.#setup));
  }

  /** Answers at the addresses that are open for it, and pushes what is to be pushed. */
  async open(): Promise<void> {
    this.#closed = false;
    await (this.#opening = Promise.all([this.#answer(), this.push()]));
  }

  /** From now on, pushes as the configuration in use says. */
  async push(): Promise<void> {
    const { config, resources: { listeners, metrics, pushed } } = this.#setup;
    const { statsPush, carbon } = config();
    if (this.#pushers === null && statsPush.length === 0 && carbon.length === 0) return;
    await this.#attempt("Nothing can be pushed", async () => {
      const source = await this.source();
      const { Pushers } = await lazyImport<typeof import("./pushers.ts")>(
        import.meta.resolve("./pushers.ts"),
      );
      if (this.#closed) return;
      this.#pushers ??= new Pushers({
        stats: () => source.read(),
        arrived: (values) => metrics.pushed(values),
        address: () => listeners.addresses[0] ?? "",
        pushed,
      });
      this.#pushers.use(config());
    });
  }

  async #answer(): Promise<void> {
    if (this.#setup.resources.views.records.length === 0) return;
    await this.#attempt("The stats cannot be shown", async () => {
      const source = await this.source();
      const { StatsServers } = await lazyImport<typeof import("./stats_servers.ts")>(
        import.meta.resolve("./stats_servers.ts"),
      );
      const servers = await StatsServers.open(this.#setup, source);
      if (this.#closed) await servers.close();
      else this.#servers = servers;
    });
  }

  /** Binds what somebody has removed again, and answers there. */
  async lookAtSockets(config: StatsSocketConfig): Promise<void> {
    const { views } = this.#setup.resources;
    if (!views.bindLostAgain({ ...config, chownSocket: "", listen: VIEW_BACKLOG })) return;
    await this.#opening;
    const closes = this.#closes + 1;
    await this.close();
    views.keepNew();
    // Somebody else may have closed it meanwhile, for good.
    if (this.#closes === closes) await this.open();
  }

  async #attempt(problem: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const reason = errorText(error);
      logLine("error", `${problem}: ${reason}`, { event: "viewFailed" });
    }
  }

  /**
   * Answers no more: whoever connects now waits, as long as the sockets are open. What is pushed is
   * pushed for the last time.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closes += 1;
    const open = [this.#servers, this.#pushers];
    [this.#servers, this.#pushers] = [null, null];
    await Promise.all(open.map((one) => one?.close()));
  }
}
