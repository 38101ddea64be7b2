/**
 * Runs in the worker. What this worker is part of: filled in once by the preload, before the user's
 * script is evaluated, and read by everything else.
 *
 * @module
 */

import type { Channel } from "../protocol/channel.ts";
import type { Lane } from "../protocol/lane.ts";
import type { MetricTable } from "../protocol/metric_table.ts";
import type { MasterMessage, WorkerMessage } from "../protocol/message.ts";
import type { Scoreboard } from "../protocol/scoreboard.ts";
import type { InstanceFacts, WorkerEnvironment } from "../protocol/worker_environment.ts";
import type { Libc } from "../system/libc.ts";
import type { RequestLog } from "./request_log/request_log.ts";

/** This worker's place in its instance. */
export interface Instance {
  readonly environment: WorkerEnvironment;
  readonly facts: InstanceFacts;
  readonly channel: Channel<MasterMessage, WorkerMessage>;
  readonly scoreboard: Scoreboard;
  /** The memory that both and {@linkcode Instance.metrics} are in. */
  readonly memory: ArrayBufferLike;
  /** What this process shows its master. */
  readonly lane: Lane;
  /** Null: this worker cannot accept on inherited sockets, and binds for itself. */
  readonly libc: Libc | null;
  /** Takes the messages that a mule asked for; null: it has asked for none. */
  takeMuleMessage: ((text: string) => void) | null;
  /** The metrics; null: the instance has none. */
  metrics: MetricTable | null;
  /** The request log; null: there is none. */
  requestLog: RequestLog | null;
  /** True once the script has imported `uwsgi`: it asks for the sockets itself. */
  usesModule: boolean;
}

let instance: Instance | null = null;

/** Called once, by the preload. */
export function enterInstance(entered: Instance): void {
  instance = entered;
}

/**
 * The instance of this process.
 *
 * @throws {Error} If the process is not a worker of duwsgi.
 */
export function currentInstance(): Instance {
  if (instance === null) {
    throw new Error(
      'The module "uwsgi" only works in a worker of duwsgi: start this script with ' +
        "`deno run -A main.ts --deno-worker-override SCRIPT --http-socket :8080`",
    );
  }
  return instance;
}
