/**
 * Runs in the master, where somebody wants to see its stats; loaded only then. Collects what the document
 * is made from at the moment it is asked for: between two questions nothing is measured.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { MasterState } from "../../core/state.ts";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { type ProcessFacts, statsOf } from "../../stats/stats_of.ts";
import type { Stats, StatsCron, StatsDaemon, StatsSocket } from "../../stats/stats.ts";
import { droppedConnections, listenQueueLength } from "../../system/sockets/listen_queue.ts";
import { processMemory } from "../../system/process/process_memory.ts";
import { ownDirectory, writtenDirectory } from "../../system/files/working_directory.ts";
import { VERSION } from "../../version.ts";
import type { WorkerHealth } from "../limits/sampler.ts";
import type { Resources } from "../resources.ts";

/** Where the facts come from. */
export interface StatsSourceSetup {
  readonly resources: Pick<
    Resources,
    "libc" | "listeners" | "scoreboard" | "startedOn" | "metrics"
  >;
  /** The state as it is now. */
  readonly state: () => MasterState;
  /** The configuration in use. */
  readonly config: () => Pick<Config, "script" | "listen">;
  /** The process of the worker with this number. */
  readonly health: (worker: number) => WorkerHealth | undefined;
  /** Daemons and crons; undefined: there are none. */
  readonly daemons: () => readonly StatsDaemon[] | undefined;
  readonly crons: () => readonly StatsCron[] | undefined;
}

/** What is shown, and what it is shown with. */
export interface StatsEndpointsSetup extends StatsSourceSetup {
  readonly resources:
    & StatsSourceSetup["resources"]
    & Pick<Resources, "views" | "control" | "pushed">;
  readonly config: () => Config;
}

/** What servers of the `uwsgi` module speak on a socket of this option. */
const PROTOCOLS: Readonly<Record<WorkerSocket["protocol"], string>> = {
  "http-socket": "http",
  "https-socket": "https",
  socket: "http",
  "uwsgi-socket": "uwsgi",
};

/** Reads the stats of a master. */
export class StatsSource {
  readonly #setup: StatsSourceSetup;

  /** Nothing is read before {@linkcode read}. */
  constructor(setup: StatsSourceSetup) {
    this.#setup = setup;
  }

  /** The stats as they are now. */
  read(): Stats {
    const { resources, state, config, health, daemons, crons } = this.#setup;
    const { scoreboard, listeners, startedOn, metrics } = resources;
    const now = performance.now();
    return statsOf(state(), {
      version: VERSION,
      pid: Deno.pid,
      uid: Deno.uid() ?? 0,
      gid: Deno.gid() ?? 0,
      cwd: ownDirectory() ?? writtenDirectory(),
      script: config().script,
      started_on: startedOn,
      listen_queue_errors: this.#dropped(),
      now,
      epochMs: Date.now(),
      sockets: listeners.sockets.map((socket) => this.#socket(socket)),
      board: scoreboard,
      logLinesLost: scoreboard.total("logLinesLost"),
      process: (worker) => processFacts(health(worker), now),
      memory: processMemory,
      daemons: daemons(),
      crons: crons(),
      metrics: (stats) => metrics.show(stats),
    });
  }

  #socket({ address, protocol, fds }: WorkerSocket): StatsSocket {
    const { libc } = this.#setup.resources;
    const waiting = libc === null ? [] : fds.map((fd) => listenQueueLength(libc, fd));
    return {
      name: address,
      proto: PROTOCOLS[protocol],
      queue: waiting.reduce((sum, length) => sum + length, 0),
      max_queue: this.#setup.config().listen,
      shared: 0,
      can_offload: 0,
      queues: Math.max(1, fds.length),
    };
  }

  #dropped(): number {
    const { libc, listeners } = this.#setup.resources;
    if (libc === null) return 0;
    const fds = listeners.sockets.flatMap((socket) => socket.fds);
    return fds.reduce((sum, fd) => sum + droppedConnections(libc, fd), 0);
  }
}

function processFacts(health: WorkerHealth | undefined, now: number): ProcessFacts | null {
  if (health === undefined) return null;
  const { processRow, lastHeardAt, loopLagMs, heartbeatMs } = health;
  // One whose event loop is blocked cannot say how late it is. Before its first heartbeat none was due.
  const due = loopLagMs === null || lastHeardAt === null ? now : lastHeardAt + heartbeatMs;
  const overdueMs = now - due;
  return {
    inFlight: processRow.get("inFlight"),
    lagUs: Math.max(processRow.get("lag"), Math.round(overdueMs * 1000)),
  };
}
