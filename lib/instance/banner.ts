/**
 * The first lines of the log: what runs where.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Resources } from "../master/resources.ts";
import type { WorkerSocket } from "../protocol/worker_environment.ts";
import { absolutePath } from "../system/files/absolute_path.ts";
import { VERSION } from "../version.ts";

/**
 * The lines, without date and level.
 *
 * @param signals Whether signals reload the instance.
 */
export function banner(config: Config, resources: Resources, signals: boolean): string[] {
  const { listeners, views } = resources;
  const { os, arch } = Deno.build;
  const cpus = navigator.hardwareConcurrency;
  const workers = config.processes === 1 ? "1 worker runs" : `${config.processes} workers run`;
  const chain = config.touchChainReload.map((path) =>
    `touch ${absolutePath(path)} (one after the other)`
  );
  const all = config.touchReload.map((path) => `touch ${absolutePath(path)}`);
  const ways = [...signals ? [`kill -HUP ${Deno.pid}`] : [], ...all, ...chain];
  return [
    `duwsgi ${VERSION}, Deno ${Deno.version.deno}, ${os} ${arch}, ${cpus} CPUs`,
    `Master has pid ${Deno.pid} and directory ${Deno.cwd()}`,
    ...listeners.sockets.map((socket) =>
      `Socket ${urlOf(socket)}${socket.fds.length > 1 ? ", a queue for each worker" : ""}`
    ),
    ...views.records.map(({ key, worker }) =>
      `${key.startsWith("metrics-http ") ? "Metrics and probes" : "Stats"} at ${worker.address}`
    ),
    `${workers} ${config.script}`,
    ...ways.length === 0 ? [] : [`Reload with: ${ways.join("; ")}`],
    ...signals ? ["Command it with: duwsgi ctl; see what it does with: duwsgi top"] : [],
  ];
}

/** Where browsers can open it: its URL, which terminals make a link of; else its address. */
function urlOf({ address, protocol }: Pick<WorkerSocket, "address" | "protocol">): string {
  const isPath = address.startsWith("/") || address.startsWith("@");
  if (isPath || protocol === "uwsgi-socket") return address;
  return `${protocol === "https-socket" ? "https" : "http"}://${address}`;
}
