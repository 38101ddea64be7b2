/**
 * The `uwsgi` module: what a worker's script knows of its instance and says to it. Scripts import it
 * as `uwsgi`; the names are uWSGI's own.
 *
 * ```ts ignore
 * import uwsgi from "uwsgi";
 *
 * uwsgi.serve(() => new Response(`Hello from worker ${uwsgi.worker_id()}\n`));
 * ```
 *
 * Outside of a worker it can be imported, for example by tests of a module that uses it: numbers are 0,
 * there are no sockets and options, `log()` writes to standard error, and what needs a master throws.
 *
 * @module
 */

import { MAX_MULE_MESSAGE_BYTES } from "../protocol/message.ts";
import type { ModuleOptions } from "../protocol/worker_environment.ts";
import { setAccepting } from "./acceptance.ts";
import { instanceOrStandIn } from "./instance.ts";
import { lineSinks } from "./logging/line_sinks.ts";
import {
  metric_dec,
  metric_div,
  metric_get,
  metric_histogram,
  metric_inc,
  metric_mul,
  metric_observe,
  metric_set,
  metric_set_max,
  metric_set_min,
} from "./metrics/metric_api.ts";
import { markRequest, requestMarks, requestVariables } from "./counting/request_annotations.ts";
import { type ReloadHandler, setReloadHandler } from "./retire.ts";
import type { UwsgiSocket } from "./serving/socket.ts";
import { instanceSockets } from "./serving/sockets.ts";
import type { Handler, Server } from "./handler.ts";
import type { ServeOptions } from "./serving/served_socket.ts";

export type { ModuleOptions } from "../protocol/worker_environment.ts";
export type { Handler, Server } from "./handler.ts";
export type { MetricHistogram } from "./metrics/metric_api.ts";
export type { LeaveCause, ReloadHandler, Retirement } from "./retire.ts";
export type { UwsgiSocket } from "./serving/socket.ts";
export type { ServeOptions } from "./serving/served_socket.ts";

export {
  metric_dec,
  metric_div,
  metric_get,
  metric_histogram,
  metric_inc,
  metric_mul,
  metric_observe,
  metric_set,
  metric_set_max,
  metric_set_min,
};

const instance = instanceOrStandIn();
const { environment, facts, channel, scoreboard } = instance;
instance.usesModule = true;
/** False: somebody has imported it elsewhere, for example a test. */
const inWorker = environment.masterPid !== 0;

/** Version of duwsgi, for example `0.1.0`. */
export const version: string = facts.version;

/** The version in numbers, as uWSGI has it: base, major, minor, revision, custom. */
export const version_info: readonly [number, number, number, number, string] = versionInfo(version);

/** Name of the host the instance runs on. */
export const hostname: string = facts.hostname;

/** Number of worker slots (`processes`). */
export const numproc: number = facts.numproc;

/** When the master started, in seconds since the epoch. */
export const started_on: number = facts.startedOn;

/**
 * The configuration as written: option → value, `true` for an option without a value, and a list for
 * one that was given more than once.
 */
export const opt: ModuleOptions = facts.opt;

/** The listening sockets, in the order of the configuration. */
export const sockets: readonly UwsgiSocket[] = inWorker ? instanceSockets() : [];

/** Number of this worker's slot, from 1. Its successors have the same. 0 in a mule. */
export function worker_id(): number {
  return environment.slot;
}

/** Number of this mule, from 1, in the order of the `mule` options. 0 in a worker. */
export function mule_id(): number {
  return environment.mule;
}

/** Process id of the master. */
export function masterpid(): number {
  return environment.masterPid;
}

/** A worker slot, as {@linkcode workers} shows it. */
export interface WorkerInfo {
  /** Number of the slot, from 1. */
  readonly id: number;
  /** Process id; 0 while the slot has no worker. */
  readonly pid: number;
  /** 1 while the worker accepts, else 0. */
  readonly accepting: 0 | 1;
  /** Which reload the worker belongs to; the first workers are generation 1. */
  readonly generation: number;
  /** Requests since the instance started. */
  readonly requests: number;
  /** Requests since the current worker of the slot was started. */
  readonly delta_requests: number;
  /** Handlers that threw, since the instance started. */
  readonly exceptions: number;
  /** How many workers the slot has had before this one. */
  readonly respawn_count: number;
  /** When the current worker was started, in seconds since the epoch. */
  readonly last_spawn: number;
}

/**
 * All workers of the instance, as they are now, also those that scaling has added. Where the instance has no shared memory (foreign
 * functions refused), only this worker's own counts are known.
 */
export function workers(): WorkerInfo[] {
  return Array.from({ length: Math.max(numproc, scoreboard.slots) }, (_, i) => {
    const id = i + 1;
    const requests = scoreboard.get(id, "requests");
    return {
      id,
      pid: scoreboard.get(id, "pid"),
      accepting: scoreboard.get(id, "accepting") === 1 ? 1 : 0,
      generation: scoreboard.get(id, "generation"),
      requests,
      delta_requests: requests - scoreboard.get(id, "requestsAtSpawn"),
      exceptions: scoreboard.get(id, "exceptions"),
      respawn_count: scoreboard.get(id, "respawns"),
      last_spawn: scoreboard.get(id, "lastSpawn"),
    };
  });
}

/** Longer than this (30 years) is for ever. */
const LONGEST_USER_HARAKIRI_S = 1e9;

/**
 * Tells the master that this worker accepts connections (or, with 0, that it stopped for a while).
 * Until it has said so, the worker counts as starting, and a reload waits for it.
 */
export function accepting(on: 0 | 1 | boolean = 1): void {
  setAccepting(Boolean(on));
}

/**
 * Writes a line to the instance's log. Lines of different workers never mix, however long they are.
 *
 * @returns `true`, as uWSGI does.
 */
export function log(text: string): true {
  if (inWorker) lineSinks().log(String(text));
  else console.error(String(text));
  return true;
}

/**
 * Gives the request log a value for `%(name)` in `log-format`. In uWSGI it belongs to the current
 * request; requests overlap here, so it is said which one.
 *
 * @param request The request that the handler was given.
 */
export function set_logvar(request: object, name: string, value: string): void {
  markRequest(request).variables.set(name, String(value));
}

/** What {@linkcode set_logvar} has set for a request; null: nothing. */
export function get_logvar(request: object, name: string): string | null {
  return requestMarks(request)?.variables.get(name) ?? null;
}

/**
 * Lets a request be logged, whatever `disable-logging` and the filters say.
 *
 * @param request The request that the handler was given.
 */
export function log_this_request(request: object): void {
  markRequest(request).logged = true;
}

/**
 * The variables with which a proxy sent a request in the uwsgi protocol, for example `REMOTE_ADDR` or
 * what `uwsgi_param` in nginx sets; null: the request came over HTTP. Bytes beyond ASCII are one
 * character each. In uWSGI they are the `environ` of WSGI.
 *
 * @param request The request that the handler was given.
 */
export function request_vars(request: object): ReadonlyMap<string, string> | null {
  return requestVariables(request);
}

/**
 * Asks the master for a graceful reload of the instance, as SIGHUP does. One worker is heard once per
 * second: if it asks more often, all of that is one further reload.
 */
export function reload(): true {
  channel.send({ type: "reload" });
  return true;
}

/** Asks the master to stop the instance in order; when it does so already, nothing changes. */
export function stop(): true {
  channel.send({ type: "stop" });
  return true;
}

let watched = false;

/**
 * Gives this worker so many seconds for a piece of work, whatever it is: if it has not called again by
 * then, it is replaced, and killed after the `harakiri-graceful-timeout`, also when its event loop is
 * blocked. 0 calls it off; each call replaces the one before. It is not called off by the end of a
 * request, because requests overlap here. The master looks once per second. In mules and without
 * foreign functions it has no effect.
 *
 * @throws {RangeError} If it is not a number from 0 on.
 */
export function set_user_harakiri(seconds: number): void {
  if (!(seconds >= 0)) {
    throw new RangeError(`set_user_harakiri() expects seconds, 0 or more, not ${seconds}`);
  }
  // A mule has no process row: the master ends it only when it ends by itself.
  if (environment.mule > 0) return;
  const { processRow } = instance;
  if (seconds === 0) return processRow.set("userDeadline", 0);
  // The clock's second has begun already: what counts is the next one.
  const ticks = Math.min(Math.ceil(seconds), LONGEST_USER_HARAKIRI_S);
  processRow.set("userDeadline", processRow.clock.now + 1 + ticks);
  if (!watched) channel.send({ type: "watch" });
  watched = true;
}

/**
 * Sends a text to a mule: it waits in the master until the mule asks for it with
 * {@linkcode mule_msg_get}. The master keeps at most 1024 texts for each mule, and 1024 for whichever
 * comes first; further ones are dropped, which its log says.
 *
 * @param text At most 65536 bytes of UTF-8.
 * @param id Number of the mule; 0: the first one that waits, or asks. @default 0
 * @returns `true`, as uWSGI does: it is on its way.
 * @throws {RangeError} If there is no such mule, or the text is too long.
 */
export function mule_msg(text: string, id = 0): true {
  if (!Number.isInteger(id) || id < 0 || id > facts.mules || facts.mules === 0) {
    throw new RangeError(`Cannot send to mule ${id}: the instance has ${facts.mules} mules`);
  }
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_MULE_MESSAGE_BYTES) {
    throw new RangeError(
      `Cannot send ${length} bytes to a mule, must be at most ${MAX_MULE_MESSAGE_BYTES}`,
    );
  }
  channel.send({ type: "mule-message", text, mule: id });
  return true;
}

const muleWaiters: ((text: string) => void)[] = [];
let muleTimer: ReturnType<typeof setInterval> | undefined;

/**
 * The next text that was sent to this mule; waits for it, and keeps the mule running meanwhile. Unlike
 * in uWSGI it returns a promise. A text that a mule was given and did not finish when it dies is lost.
 *
 * @throws {Error} If this is no mule.
 */
export function mule_msg_get(): Promise<string> {
  if (environment.mule === 0) throw new Error("Only a mule gets messages, and this is a worker");
  instance.takeMuleMessage ??= (text) => {
    const take = muleWaiters.shift();
    // What is waited for keeps the process alive; the control pipe alone does not.
    if (muleWaiters.length === 0) clearInterval(muleTimer);
    take?.(text);
  };
  return new Promise((resolve) => {
    if (muleWaiters.push(resolve) === 1) muleTimer = setInterval(() => {}, 2 ** 31 - 1);
    channel.send({ type: "mule-ask" });
  });
}

/** True once every slot of the instance has had an accepting worker. */
export function ready(): boolean {
  return scoreboard.ready;
}

/**
 * Registers how this worker leaves, instead of the usual way: `handler` is called once, when the
 * worker is to be replaced or stopped, and has `mercy_ms` for it. The process exits when the handler
 * is done. Until it closes them, the worker's servers go on accepting.
 */
export function on_reload(handler: ReloadHandler): void {
  setReloadHandler(handler);
}

/** What {@linkcode serve} returns. */
export interface Servers {
  /** One server for each socket. */
  readonly servers: readonly Server[];
  /** Resolves when all of them have ended. */
  readonly finished: Promise<void>;
}

/**
 * Serves HTTP on every socket of the instance and says {@linkcode accepting}. The rest is done: the
 * worker retires without losing a request, and requests are counted.
 */
export function serve(handler: Handler, options: ServeOptions = {}): Servers {
  const servers = sockets.map((socket) => socket.serve(handler, options));
  accepting();
  const finished = Promise.all(servers.map((server) => server.finished)).then(() => {});
  return { servers, finished };
}

function versionInfo(text: string): readonly [number, number, number, number, string] {
  const [base = 0, major = 0, minor = 0] = text.split(".").map((part) => Number.parseInt(part, 10));
  return [base, major, minor, 0, ""];
}

/** Everything above, as one object: `import uwsgi from "uwsgi"`. */
const uwsgi = {
  version,
  version_info,
  hostname,
  numproc,
  started_on,
  opt,
  sockets,
  worker_id,
  mule_id,
  masterpid,
  workers,
  accepting,
  log,
  set_logvar,
  get_logvar,
  log_this_request,
  request_vars,
  reload,
  stop,
  set_user_harakiri,
  mule_msg,
  mule_msg_get,
  metric_get,
  metric_set,
  metric_inc,
  metric_dec,
  metric_mul,
  metric_div,
  metric_set_max,
  metric_set_min,
  metric_observe,
  metric_histogram,
  ready,
  on_reload,
  serve,
} as const;

export default uwsgi;
