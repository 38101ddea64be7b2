/**
 * uWSGI with aiohttp as its worker override.
 *
 * @module
 */

import { join } from "@std/path/posix";
import { Started } from "../../servers.ts";
import { environment, type Peer, peerFile, running, untilSaid, writeFifo } from "../peer.ts";

/** Chain reloads of uWSGI. */
export const UWSGI: Peer = {
  name: "uWSGI + aiohttp",
  runtime: "python",
  reloadedBy: "chain reload, `c` to the FIFO",
  requirements: [
    { check: ["uwsgi_python3", "--version"], debian: "uwsgi-plugin-python3" },
    { check: ["/usr/bin/python3", "-c", "import aiohttp"], debian: "python3-aiohttp" },
  ],
  version: ["uwsgi_python3", "--version"],
  start(place) {
    const server = new Started({
      command: ["uwsgi_python3", "--ini", peerFile("./uwsgi/app.ini")],
      env: environment(place),
    });
    const ask = () => writeFifo(join(place.directory, "fifo"), "c");
    return running(place, server, () => untilSaid(server, /chain reloading complete/, ask));
  },
};
