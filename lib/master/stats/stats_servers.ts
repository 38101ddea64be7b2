/**
 * Runs in the master, where something is to show what the instance is like; loaded only then. Takes the
 * connections of its sockets.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { lazyImport } from "../../lazy_import.ts";
import { type ListenPlace, openAdopted } from "../../system/sockets/adopted_listener.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Libc } from "../../system/libc.ts";
import { acceptLoop } from "../sockets/accept_all.ts";
import { type Listener, VIEW_BACKLOG } from "../sockets/listener.ts";
import { logLine } from "../log.ts";
import type { StatsEndpointsSetup, StatsSource } from "./stats_source.ts";
import type { OneShotServer } from "./one_shot_server.ts";

/** How long the last answers may take (500 ms). */
const LAST_ANSWERS_MS = 500;

/** What answers at the addresses of an option. */
const SERVERS: Readonly<
  Record<string, (setup: StatsEndpointsSetup, read: () => Stats) => ServerPromise>
> = {
  "metrics-http": async ({ config }, read) =>
    (await lazyImport<typeof import("./metrics_server.ts")>(
      import.meta.resolve("./metrics_server.ts"),
    )).metricsServer(read, config),
  stats: async ({ config }, read) =>
    (await lazyImport<typeof import("./stats_server.ts")>(import.meta.resolve("./stats_server.ts")))
      .statsServer(read, config),
};

type ServerPromise = Promise<OneShotServer>;

/** Everything that answers. */
export class StatsServers {
  readonly #listeners: Deno.Listener[] = [];
  readonly #servers = new Map<string, OneShotServer>();

  private constructor() {}

  /** Begins to answer. What cannot be is told in the log. */
  static async open(setup: StatsEndpointsSetup, source: StatsSource): Promise<StatsServers> {
    const all = new StatsServers();
    const { libc, views, control } = setup.resources;
    for (const record of views.records) {
      try {
        const server = await all.#server(optionOf(record), setup, () => source.read());
        const listener = listenOn(libc, record, `${control.ensureDirectory()}/view.sock`);
        all.#listeners.push(listener);
        void acceptLoop(listener, "Cannot show the stats", (client) => server.begin(client));
      } catch (error) {
        const reason = errorText(error);
        const text = `Nobody is answered at ${record.worker.address}: ${reason}`;
        logLine("error", text, { event: "viewFailed", address: record.worker.address });
      }
    }
    return all;
  }

  async #server(option: string, setup: StatsEndpointsSetup, read: () => Stats): ServerPromise {
    const server = this.#servers.get(option) ??
      await (SERVERS[option] ?? SERVERS.stats)?.(setup, read);
    if (server === undefined) throw new TypeError(`nothing answers at addresses of ${option}`);
    this.#servers.set(option, server);
    return server;
  }

  /** Accepts no more, and answers whoever is there. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    const servers = [...this.#servers.values()];
    await Promise.all(servers.map((server) => server.close(LAST_ANSWERS_MS)));
  }
}

/** The option that asked for a listener. */
function optionOf({ key }: Listener): string {
  return key.split(" ", 1)[0] ?? "";
}

function listenOn(c: Libc | null, { worker }: Listener, path: string): Deno.Listener {
  const { fds: [fd], address, bind } = worker;
  if (c !== null && fd !== undefined) {
    return openAdopted(c, { fd, address, backlog: VIEW_BACKLOG }, path, listen);
  }
  // Without foreign functions there are only TCP addresses, see `Listeners`.
  return listen(bind ?? { path: address });
}

function listen(place: ListenPlace): Deno.Listener {
  return "path" in place
    ? Deno.listen({ transport: "unix", path: place.path }) as Deno.Listener
    : Deno.listen(place);
}
