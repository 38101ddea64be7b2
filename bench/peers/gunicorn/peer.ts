/**
 * gunicorn with its workers of threads, the only ones of its own that keep connections alive.
 *
 * @module
 */

import { Started } from "../../servers.ts";
import { environment, type Peer, peerFile, running, WORKERS } from "../peer.ts";

const THREADS = 4;

/** SIGHUP to gunicorn. */
export const GUNICORN: Peer = {
  name: "gunicorn, gthread",
  runtime: "python",
  reloadedBy: "SIGHUP",
  requirements: [{ check: ["gunicorn", "--version"], debian: "gunicorn" }],
  version: ["gunicorn", "--version"],
  start(place) {
    const workers = ["--workers", String(WORKERS), "--threads", String(THREADS)];
    const where = ["--bind", `127.0.0.1:${place.port}`, "--chdir", peerFile("./gunicorn")];
    const server = new Started({
      command: ["gunicorn", "--worker-class", "gthread", ...workers, ...where, "app:app"],
      env: environment(place),
    });
    return running(place, server, () => {
      server.signal("SIGHUP");
      return Promise.resolve();
    });
  },
};
