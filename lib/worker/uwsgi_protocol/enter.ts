/**
 * Runs in the worker, as a preload of its own and only when a socket speaks the uwsgi protocol: such
 * sockets are served here, and not by `Deno.serve`.
 *
 * @module
 */

import { ConnectionServer } from "../connection_server.ts";
import { instanceAccess } from "../instance.ts";
import { lineSinks } from "../line_sinks.ts";
import { listenAt, serveWith } from "../listener.ts";
import { requestVariables } from "../request_marks.ts";
import { serveConnection } from "./connection.ts";
import type { Refusal } from "./packet.ts";
import { RefusalLines } from "../refusal_lines.ts";

const currentInstance = instanceAccess();

const { environment, facts } = currentInstance();
if (environment.slot > 0) {
  const lines = new RefusalLines((line) => lineSinks().log(line), () => performance.now());
  serveWith("uwsgi-socket", (place, handler, { signal, onError }) => {
    const setup = {
      handler,
      ...(onError && { onError }),
      settings: facts.proxies,
      bodyMs: facts.clients.bodyMs,
      refused: (refusal: Refusal) => lines.add(refusal),
    };
    return new ConnectionServer(listenAt(place), (conn) => serveConnection(conn, setup), signal);
  });
  explainUpgrades();
}

/** Deno would make a socket that never opens. */
function explainUpgrades(): void {
  const upgrade = Deno.upgradeWebSocket;
  Deno.upgradeWebSocket = (request, options) => {
    if (requestVariables(request) === null) return upgrade(request, options);
    throw new TypeError(
      "WebSockets cannot go over the uwsgi protocol: let the proxy pass them to an http-socket " +
        "(proxy_pass in nginx)",
    );
  };
}
