/**
 * Runs in the master, where `metrics-http` is configured; loaded only then. Answers requests by the
 * routes that there are.
 *
 * @module
 */

import { encodeAnswer, parseHead } from "../../stats/http_message.ts";
import type { Stats } from "../../stats/stats.ts";
import { CoalescedReader } from "./paced.ts";
import { OneShotServer, readHead } from "./one_shot_server.ts";
import { refuseHost, type StatsHostsConfig } from "./stats_hosts.ts";
import { answerTo } from "./routes.ts";

/** Answers clients: with `read` the stats come, and with `config` the configuration in use. */
export function metricsServer(read: () => Stats, config: () => StatsHostsConfig): OneShotServer {
  const stats = new CoalescedReader(read);
  return new OneShotServer(async (client) => {
    const request = parseHead(await readHead(client));
    if ("status" in request) return encodeAnswer(request, true);
    const refusal = refuseHost(request, client, config());
    if (refusal !== null) return encodeAnswer(refusal, request.method === "GET");
    const answer = await answerTo(request, () => stats.next());
    return encodeAnswer(answer, request.method === "GET");
  });
}
