/**
 * Runs in the worker, as a preload of its own and only with `enable-proxy-protocol`: sockets that speak
 * HTTP expect a header of the PROXY protocol on each connection.
 *
 * @module
 */

import { instanceAccess } from "../instance.ts";
import { lineSinks } from "../logging/line_sinks.ts";
import { serveWith, type Serving } from "../serving/listener.ts";
import { beginNodeConnections } from "../apps/node_beginnings.ts";
import { RefusalLines } from "../serving/refusal_log.ts";
import { beginBehindProxy } from "./node_connections.ts";
import { serveBehindProxy } from "./server.ts";

const currentInstance = instanceAccess();

const { environment, facts } = currentInstance();
if (environment.slot > 0) {
  const lines = new RefusalLines((line) => lineSinks().log(line), () => performance.now());
  const setup = {
    timeoutMs: facts.proxies.timeoutMs,
    refused: (refusal: { readonly message: string }) => lines.add(refusal),
  };
  const serving: Serving = (place, handler, options) =>
    serveBehindProxy(place, handler, options, setup);
  for (const protocol of ["http-socket", "socket"] as const) {
    serveWith(protocol, serving);
    beginNodeConnections(protocol, beginBehindProxy(setup));
  }
}
