/**
 * Runs in the master. By which host names clients may ask it over HTTP, see `lib/stats/http_host.ts`.
 *
 * @module
 */

import { parseAddress } from "../../system/sockets/address.ts";
import type { Config } from "../../config/config.ts";
import { viewAddresses } from "../../config/options/exporting.ts";
import { isKnownHost } from "../../stats/http_host.ts";
import { type HttpAnswer, type HttpRequest, lineAnswer } from "../../stats/http_message.ts";

/** What of the configuration counts. */
export type StatsHostsConfig = Pick<Config, "stats" | "metricsHttp" | "metricsHttpHosts">;

/** Null: the request means this instance. */
export function refuseHost(
  { host }: HttpRequest,
  client: Pick<Deno.Conn, "localAddr">,
  config: StatsHostsConfig,
): HttpAnswer | null {
  // No browser connects to a Unix socket, so there the host says nothing.
  if (client.localAddr.transport !== "tcp" || isKnownHost(host, hostNames(config))) return null;
  return lineAnswer(421, "Nothing is shown by this host name: add it to metrics-http-hosts");
}

function hostNames(config: StatsHostsConfig): readonly string[] {
  const configured = viewAddresses(config).flatMap(({ text }) => {
    const address = parseAddress(text);
    return address.kind === "tcp" ? [address.host.toLowerCase()] : [];
  });
  return [...config.metricsHttpHosts, ...configured, ...ownName()];
}

/** The name of this machine, which is no name of a foreign site. */
function ownName(): readonly string[] {
  try {
    return [Deno.hostname().toLowerCase()];
  } catch {
    // The master may not ask (`--allow-sys=hostname`).
    return [];
  }
}
