/**
 * `node:cluster` in Deno, with a script that restarts the workers one by one.
 *
 * @module
 */

import { deno, Started } from "../../servers.ts";
import { environment, type Peer, peerFile, running, untilSaid } from "../peer.ts";

/** Restarts of workers by the app's own script. */
export const NODE_CLUSTER: Peer = {
  name: "`node:cluster` in Deno",
  runtime: "deno",
  reloadedBy: "its own rolling restart, SIGHUP",
  requirements: [],
  version: [Deno.execPath(), "--version"],
  start(place) {
    const server = new Started({
      command: deno("run", "-A", peerFile("./node_cluster/app.mjs")),
      env: environment(place),
    });
    const ask = () => server.signal("SIGHUP");
    return running(place, server, () => untilSaid(server, /^All workers were restarted$/, ask));
  },
};
