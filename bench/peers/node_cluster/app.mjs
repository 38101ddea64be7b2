/**
 * The app with `node:cluster`, and the restart of its workers one by one at SIGHUP, as it is written
 * again and again: start a new one, wait until it listens, disconnect the old one, and kill it if it
 * has not gone in time.
 *
 * @module
 */

import cluster from "node:cluster";
import { once } from "node:events";
import process from "node:process";
import { listen } from "../work/node_server.mjs";

const WORKERS = 2;
const PATIENCE_MS = 5_000;

async function restart() {
  for (const old of Object.values(cluster.workers ?? {})) {
    const gone = once(old, "exit");
    await once(cluster.fork(), "listening");
    old.disconnect();
    const timer = setTimeout(() => old.process.kill("SIGKILL"), PATIENCE_MS);
    await gone;
    clearTimeout(timer);
  }
  console.log("All workers were restarted");
}

function stop() {
  for (const worker of Object.values(cluster.workers ?? {})) worker.process.kill("SIGKILL");
  process.exit(0);
}

if (cluster.isPrimary) {
  for (let i = 0; i < WORKERS; i++) cluster.fork();
  process.on("SIGHUP", () => void restart());
  process.on("SIGTERM", stop);
} else {
  listen(cluster.worker.id);
}
