/**
 * What a worker is started with, beside its arguments: one environment variable, and a file with what is
 * the same for all workers of a generation. The worker's preload reads both and removes the variable,
 * so that nothing the script starts inherits it. So a worker knows all it needs without waiting for its
 * master, which is busy starting the next one.
 *
 * @module
 */

import type { ClientLimits } from "./client_limits.ts";
import type { LogPlan } from "../log/log_plan.ts";
import type { MetricPlace } from "../shared_memory/metric_table.ts";
import type { ProxySettings } from "./proxy_settings.ts";
import type { RequestLogSettings } from "./request_log_settings.ts";

/** Name of the variable. */
export const WORKER_VARIABLE = "DUWSGI_WORKER";

/** One configured socket as a worker gets it. */
export interface WorkerSocket {
  /** The real address, as an operator writes it. */
  readonly address: string;
  /** The option that asked for it: the uwsgi protocol is spoken on `uwsgi-socket`, HTTP on the others. */
  readonly protocol: "socket" | "http-socket" | "https-socket" | "uwsgi-socket";
  /** Names its certificate among the {@linkcode Certificates}; absent: no TLS. */
  readonly certificate?: string;
  /** How a worker without foreign functions binds it for itself; null where that is impossible. */
  readonly bind: { readonly hostname: string; readonly port: number } | null;
  /**
   * The inherited descriptors: one per slot in slot order, a single one shared by all slots, or none
   * when the master itself could not bind.
   */
  readonly fds: readonly number[];
}

/** What is in the memory behind {@linkcode WorkerEnvironment.certificates}, both in PEM. */
export type Certificates = Readonly<
  Record<string, { readonly cert: string; readonly key: string }>
>;

/** Options as `uwsgi.opt` shows them: an option that was given more than once is a list. */
export type ModuleOptions = Readonly<Record<string, string | true | readonly (string | true)[]>>;

/** Which socket a script gets that asks for a port, or for the path of a Unix socket. */
export interface SocketRule {
  readonly asked: number | string;
  /** Number of the socket, from 0. */
  readonly socket: number;
}

/** What is the same for all workers of a generation: the file that the variable names. */
export interface GenerationInfo {
  /** Version of duwsgi. */
  readonly version: string;
  /** Name of the host. */
  readonly hostname: string;
  /** When the master started, in seconds since the epoch. */
  readonly startedOn: number;
  /** Number of worker slots. */
  readonly numproc: number;
  /** Number of mules. */
  readonly mules: number;
  /** The declared metrics. */
  readonly metrics: readonly MetricPlace[];
  /** The configuration as written. */
  readonly opt: ModuleOptions;
  /** Where log lines go; null: standard error, as they are. */
  readonly log: LogPlan | null;
  /** True if `console` is to drop what it cannot write; false: it stays as Deno made it. */
  readonly ownConsole: boolean;
  /** The request log; null: there is none. */
  readonly requestLog: RequestLogSettings | null;
  /** For scripts that listen by themselves. */
  readonly socketMap: readonly SocketRule[];
  /** What is to be known about proxies in front of the sockets. */
  readonly proxies: ProxySettings;
  /** How long a script may take to accept, at the start and when it has closed a server (`start-timeout`), in ms. */
  readonly startTimeoutMs: number;
  /** What clients may take. */
  readonly clients: ClientLimits;
  /** The page that a worker has to answer before it accepts, and how long it may take; null: none. */
  readonly probe: { readonly path: string; readonly timeoutMs: number } | null;
}

/** What of a sandboxed process's permissions decides about system calls: true if anything of it is allowed. */
export interface SeccompGrants {
  readonly run: boolean;
  readonly ffi: boolean;
  readonly write: boolean;
  readonly net: boolean;
}

/** The wall of system calls of a sandboxed process. */
export interface SeccompPlan {
  readonly grants: SeccompGrants;
  /** True: without the wall the process does not start. */
  readonly required: boolean;
}

/** What a sandboxed worker does before its script is evaluated. */
export interface SandboxPlan {
  /** The permissions that only duwsgi's own modules had. */
  readonly revoke: readonly Deno.PermissionDescriptor[];
  /** Paths at which it may listen for a moment, for listeners to put Unix sockets in the place of. */
  readonly throwaways: readonly string[];
  /** Null: the configuration wants no such wall. */
  readonly seccomp: SeccompPlan | null;
  /** True: what browsers store for pages (`localStorage`, `caches`) is there, which writes to DENO_DIR. */
  readonly webStorage: boolean;
}

/** What a worker is told by the variable. */
export interface WorkerEnvironment {
  /** Version of the control pipe's protocol: a new worker may meet an old master. */
  readonly protocol: number;
  /** Path of the file with the {@linkcode GenerationInfo}. */
  readonly facts: string;
  /** Path of the master's Unix socket for control pipes. */
  readonly control: string;
  /** Proves to the master which of its children is calling. */
  readonly token: string;
  /** Number of the slot, from 1: `uwsgi.worker_id()`. 0: it is a mule. */
  readonly slot: number;
  /** Number of the mule, from 1: `uwsgi.mule_id()`. 0: it is a worker. */
  readonly mule: number;
  /** Counts the reloads of the instance, from 1. */
  readonly generation: number;
  /** Process id of the master. */
  readonly masterPid: number;
  /** The sockets in the order of the configuration. */
  readonly sockets: readonly WorkerSocket[];
  /** Backlog for listen(2). */
  readonly listen: number;
  /** Descriptor of the scoreboard's shared memory; null without foreign functions. */
  readonly scoreboard: number | null;
  /** Descriptor of the memory with the {@linkcode Certificates} of its generation; null: none. */
  readonly certificates: number | null;
  /** Number of the process row in that memory that is this process's own, see `process_row.ts`. */
  readonly processRow: number;
  /** True if the process row is to show which request is the oldest (`harakiri`). */
  readonly namesRequests: boolean;
  /** How often the worker says that its event loop runs, in milliseconds. */
  readonly heartbeatMs: number;
  /** Descriptor of the master's own stderr, which replaces the start-up pipe; null: keep the pipe. */
  readonly stderr: number | null;
  /**
   * Where raw output goes once the worker accepts, instead of to `stderr`: a file in memory, to write
   * and to read, which the master reads when the worker is dead. Null: there is none.
   */
  readonly words: { readonly write: number; readonly read: number } | null;
  /** The longest a worker may take to leave, also when the master is gone, in milliseconds. */
  readonly mercyMs: number;
  /** What ps(1) is to call it; null: it keeps its command line. */
  readonly processName: string | null;
  /** How it becomes a sandbox; null: it is none. */
  readonly sandbox: SandboxPlan | null;
}

/** The descriptor of a socket for one slot; null where none was inherited. */
export function slotDescriptor(socket: WorkerSocket, slot: number): number | null {
  return (socket.fds.length > 1 ? socket.fds[slot - 1] : socket.fds[0]) ?? null;
}

/** Writes the variable's value. */
export function encodeWorkerEnvironment(environment: WorkerEnvironment): string {
  return JSON.stringify(environment);
}

/** Reads what {@linkcode encodeWorkerEnvironment} wrote. */
export function decodeWorkerEnvironment(text: string): WorkerEnvironment {
  return JSON.parse(text) as WorkerEnvironment;
}
