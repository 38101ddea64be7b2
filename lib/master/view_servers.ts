/**
 * Runs in the master, where something is to show what the instance is like; loaded only then. Takes the
 * connections of its sockets.
 *
 * @module
 */

import { openAdopted, type Place } from "../system/adopted_listener.ts";
import type { Libc } from "../system/libc.ts";
import { acceptAll } from "./accept_all.ts";
import type { Listener } from "./listeners.ts";
import { logLine } from "./log.ts";
import { StatsServer } from "./stats_server.ts";
import type { StatsSource } from "./stats_source.ts";
import { VIEW_BACKLOG } from "./view_listeners.ts";
import type { ViewsSetup } from "./views.ts";

/** How long the last answers may take (500 ms). */
const LAST_ANSWERS_MS = 500;

/** What answers. */
export class ViewServers {
  readonly #listeners: Deno.Listener[] = [];
  readonly #stats: StatsServer;

  /** Begins to answer. What cannot be is told in the log. */
  constructor({ surroundings, config }: ViewsSetup, source: StatsSource) {
    this.#stats = new StatsServer(() => source.read(), config);
    const { libc, views, control } = surroundings;
    for (const record of views.records) {
      try {
        const listener = listenOn(libc, record, `${control.directory}/view.sock`);
        this.#listeners.push(listener);
        void acceptAll(listener, "Cannot show the stats", (client) => this.#stats.begin(client));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const text = `Nobody is answered at ${record.worker.address}: ${reason}`;
        logLine("error", text, { event: "viewFailed", address: record.worker.address });
      }
    }
  }

  /** Accepts no more, and answers whoever is there. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.#stats.close(LAST_ANSWERS_MS);
  }
}

function listenOn(c: Libc | null, { worker }: Listener, path: string): Deno.Listener {
  const { fds: [fd], address, bind } = worker;
  if (c !== null && fd !== undefined) {
    return openAdopted(c, { fd, address, backlog: VIEW_BACKLOG }, path, listen);
  }
  // Without foreign functions there are only TCP addresses, see `Listeners`.
  return listen(bind ?? { path: address });
}

function listen(place: Place): Deno.Listener {
  return "path" in place
    ? Deno.listen({ transport: "unix", path: place.path }) as Deno.Listener
    : Deno.listen(place);
}
