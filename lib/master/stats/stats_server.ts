/**
 * Runs in the master, where `stats` is configured; loaded only then. Gives everybody who connects the
 * whole document and the end of the connection, as uWSGI does, or with `stats-http` an HTTP response.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { encodeAnswer, parseHead } from "../../stats/http_message.ts";
import type { Stats } from "../../stats/stats.ts";
import { statsText } from "../../stats/stats_text.ts";
import { CoalescedReader } from "./paced.ts";
import { OneShotServer, readHead } from "./one_shot_server.ts";
import { refuseHost, type StatsHostsConfig } from "./stats_hosts.ts";

/** What of the configuration counts. */
export type StatsServerConfig =
  & StatsHostsConfig
  & Pick<Config, "statsHttp" | "statsMinified" | "statsNoCores" | "statsNoMetrics">;

/** Answers clients: with `read` the stats come, and with `config` the configuration in use. */
export function statsServer(read: () => Stats, config: () => StatsServerConfig): OneShotServer {
  const document = new CoalescedReader(() => statsText(read(), config()));
  return new OneShotServer(async (client) => {
    if (!config().statsHttp) return new TextEncoder().encode(await document.next());
    const request = parseHead(await readHead(client));
    if ("status" in request) return encodeAnswer(request, true);
    const refusal = refuseHost(request, client, config());
    if (refusal !== null) return encodeAnswer(refusal, request.method === "GET");
    const body = await document.next();
    return encodeAnswer({ status: 200, type: "application/json", body }, request.method === "GET");
  });
}
