/**
 * `deno serve --parallel`, which has no reload: it is restarted, as a service is.
 *
 * @module
 */

import { deno, Started } from "../../servers.ts";
import { environment, type Peer, peerFile, type Place, WORKERS } from "../peer.ts";

/** Restarts of threads in one process. */
export const DENO_SERVE: Peer = {
  name: "`deno serve --parallel`",
  runtime: "deno",
  reloadedBy: "none: restart (SIGTERM, start)",
  requirements: [],
  version: [Deno.execPath(), "--version"],
  start(place) {
    let server = startServer(place);
    return {
      address: `127.0.0.1:${place.port}`,
      get root() {
        return server.pid;
      },
      async reload() {
        await server.end();
        server = startServer(place);
      },
      [Symbol.asyncDispose]: () => server.end(),
    };
  },
};

function startServer(place: Place): Started {
  const listen = ["--host", "127.0.0.1", "--port", String(place.port)];
  return new Started({
    command: deno("serve", "-A", "--parallel", ...listen, peerFile("./deno_serve/app.ts")),
    env: { ...environment(place), DENO_JOBS: String(WORKERS) },
  });
}
