/**
 * Puma's cluster mode.
 *
 * @module
 */

import { Started } from "../../servers.ts";
import { environment, type Peer, peerFile, running, untilSaid, WORKERS } from "../peer.ts";

/** Phased restarts of puma. */
export const PUMA: Peer = {
  name: "puma",
  runtime: "ruby",
  reloadedBy: "phased restart, SIGUSR1",
  requirements: [
    { check: ["ruby", "--version"], debian: "ruby" },
    { check: ["puma", "--version"], debian: "puma" },
  ],
  version: ["puma", "--version"],
  start(place) {
    const server = new Started({
      command: ["puma", "-C", peerFile("./puma/puma.rb"), peerFile("./puma/config.ru")],
      env: environment(place),
    });
    const ask = () => server.signal("SIGUSR1");
    return running(place, server, () => untilSaid(server, /Worker \d+ .*booted/, ask, WORKERS));
  },
};
