/**
 * Runs in the worker. What this worker is part of: filled in once by the preload, before the user's
 * script is evaluated, and read by everything else.
 *
 * @module
 */

import type { Channel } from "../protocol/channel.ts";
import type { ProcessRow } from "../shared_memory/process_row.ts";
import type { MetricTable } from "../shared_memory/metric_table.ts";
import type { MasterMessage, WorkerMessage } from "../protocol/message.ts";
import type { Scoreboard } from "../shared_memory/scoreboard.ts";
import type { GenerationInfo, WorkerEnvironment } from "../protocol/worker_environment.ts";
import type { Libc } from "../system/libc.ts";
import type { Operations } from "./operations.ts";
import type { RequestLogger } from "./request_record.ts";
import type { Handler, Handling, NodeServer } from "./handler.ts";

/** How TLS sockets are served. */
export interface TlsServing {
  /** The certificate of a socket and its key, see {@linkcode WorkerSocket.certificate}. */
  readonly certificate: (name: string) => { readonly cert: string; readonly key: string };
  /** Wraps a handler: what its clients speak is noted. */
  readonly follow: (handler: Handler) => Handler;
  /** A request of this client has come to another server than those of Deno. */
  readonly note: (client: string) => void;
  /** True if a request of this client has come: its handshake is over. */
  readonly hadRequest: (client: string) => boolean;
  /** True if this client is known to speak HTTP/2. */
  readonly speaksHttp2: (client: string) => boolean;
}

/** How the servers of a script are asked for the page of `accepting-probe`: for its status. */
export interface Asking {
  readonly handler: (own: Handling, url: string) => Promise<number>;
  /** `uncounted` is called with the connection before the server is given it. */
  readonly node: (
    server: NodeServer,
    url: string,
    uncounted: (connection: object) => void,
  ) => Promise<number>;
}

/** This worker's place in its instance. */
export interface Instance {
  readonly environment: WorkerEnvironment;
  readonly facts: GenerationInfo;
  readonly channel: Channel<MasterMessage, WorkerMessage>;
  readonly scoreboard: Scoreboard;
  /** The memory that both and {@linkcode Instance.metrics} are in. */
  readonly memory: ArrayBufferLike;
  /** What this process shows its master. */
  readonly processRow: ProcessRow;
  /** For preloads: null in a sandbox once its script runs, and where foreign functions are refused. */
  libc: Libc | null;
  /** Null: this worker cannot accept on inherited sockets, and binds for itself. */
  operations: Operations | null;
  /** Takes the messages that a mule asked for; null: it has asked for none. */
  takeMuleMessage: ((text: string) => void) | null;
  /** The metrics; null: the instance has none. */
  metrics: MetricTable | null;
  /** The request log; null: there is none. */
  requestLog: RequestLogger | null;
  /** True once the script has imported `uwsgi`: it asks for the sockets itself. */
  usesModule: boolean;
  /** Null: no socket has TLS. */
  tls: TlsServing | null;
  /** Null: the worker has to answer nothing before it accepts (`accepting-probe`). */
  ask: Asking | null;
  /** Calls the master. */
  callMaster: () => Promise<Deno.UnixConn>;
  /** Removes the master's own directory, when the master could not do so any more. */
  removeLeftovers: () => void;
}

let instance: Instance | null = null;
let sealed = false;

/** Called once, by the preload. */
export function enterInstance(entered: Instance): void {
  if (!sealed) instance = entered;
}

/**
 * The way to the instance, for modules of duwsgi: they take it when they are loaded, which in a sandboxed
 * worker is before the script, and hand it to nobody.
 *
 * @throws {Error} If the worker is sandboxed and its script runs already.
 */
export function instanceAccess(): () => Instance {
  if (sealed) throw new Error("Modules of duwsgi cannot be loaded in a sandboxed worker");
  return currentInstance;
}

/**
 * The same for what the module `uwsgi` does while it is evaluated: outside of a worker there is
 * {@linkcode STAND_IN}, so that a script can be imported by a test.
 *
 * @throws {Error} If the worker is sandboxed and its script runs already.
 */
export function instanceOrStandIn(): Instance {
  if (sealed) throw new Error("Modules of duwsgi cannot be loaded in a sandboxed worker");
  return instance ?? STAND_IN;
}

/** Called once, by the last preload of a sandboxed worker. */
export function sealInstance(): void {
  sealed = true;
}

/** @throws {Error} If the process is not a worker of duwsgi. */
function currentInstance(): Instance {
  if (instance === null) throw outside();
  return instance;
}

function outside(): Error {
  return new Error(
    'The module "uwsgi" only works in a worker of duwsgi: start this script with ' +
      "`deno run -A main.ts --deno-worker-override SCRIPT --http-socket :8080`",
  );
}

/** What cannot be had outside of a worker: whatever is asked of it. */
const NOTHING_HERE = new Proxy({}, {
  get() {
    throw outside();
  },
});

/** An instance without sockets, options and metrics, whose master cannot be asked for anything. */
const STAND_IN = {
  environment: { slot: 0, mule: 0, masterPid: 0, sockets: [] },
  facts: { version: "0.0.0", hostname: "", startedOn: 0, numproc: 0, mules: 0, opt: {} },
  usesModule: true,
  metrics: NOTHING_HERE,
  channel: NOTHING_HERE,
  scoreboard: NOTHING_HERE,
  processRow: NOTHING_HERE,
} as unknown as Instance;
