/**
 * Runs in the worker, as a preload of its own and only when a socket speaks the uwsgi protocol: such
 * sockets are served here, and not by `Deno.serve`.
 *
 * @module
 */

import { ConnectionServer } from "../serving/connection_server.ts";
import { instanceAccess } from "../instance.ts";
import { lineSinks } from "../logging/line_sinks.ts";
import { listenAt, serveWith } from "../serving/listener.ts";
import { passOnErrors } from "../passed_on.ts";
import { requestVariables } from "../counting/request_annotations.ts";
import { beginNodeConnections } from "../apps/node_beginnings.ts";
import { serveConnection } from "./connection.ts";
import { beginUwsgi } from "./node_connections.ts";
import type { Refusal } from "./packet.ts";
import { RefusalLines } from "../serving/refusal_log.ts";

const currentInstance = instanceAccess();

const { environment, facts } = currentInstance();
if (environment.slot > 0) {
  const lines = new RefusalLines((line) => lineSinks().log(line), () => performance.now());
  const refused = (refusal: Refusal) => lines.add(refusal);
  serveWith("uwsgi-socket", (place, handler, { signal, onError }) => {
    const setup = {
      handler,
      ...(onError && { onError }),
      settings: facts.proxies,
      bodyMs: facts.clients.bodyMs,
      refused,
    };
    return new ConnectionServer(listenAt(place), (conn) => serveConnection(conn, setup), signal);
  });
  beginNodeConnections("uwsgi-socket", beginUwsgi({ settings: facts.proxies, refused }));
  explainUpgrades();
}

/** Deno would make a socket that never opens. */
function explainUpgrades(): void {
  const upgrade = Deno.upgradeWebSocket;
  Deno.upgradeWebSocket = function upgraded(request, options) {
    if (requestVariables(request) === null) {
      return passOnErrors(upgraded, () => upgrade(request, options));
    }
    throw new TypeError(
      "WebSockets cannot go over the uwsgi protocol: let the proxy pass them to an http-socket " +
        "(proxy_pass in nginx)",
    );
  };
}
