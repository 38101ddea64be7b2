/**
 * Runs in the worker. Hears of the first `listen()` of a node server before anything is bound, and puts
 * its own function in the place of the one that binds.
 *
 * To load `node:net` takes as long as all the rest of a worker's start, so it is left to the script. But
 * every `listen()` loads Deno's cluster module before it binds, which leaves a mark in an object of Deno's
 * that can be seen: the first time, the mark is where the function is put in place.
 *
 * @module
 */

import { passOnErrors } from "../passed_on.ts";
import { refuseForks } from "./node_cluster.ts";
import type { Bind, NodeServer } from "../handler.ts";

/** What is needed of `node:net`. */
export interface NodeNet {
  readonly Server: { readonly prototype: NodeServer; new (options: object): NodeServer };
}

/** Deno's mark. */
const MARK = "__initCluster";

/** Calls `replace` with node's own function before a server binds; what it returns is used instead. */
export function replaceBind(replace: (bind: Bind, net: NodeNet) => Bind): void {
  const put = () => {
    const net = nodeNet();
    const { prototype } = net.Server;
    prototype._listen2 = replacement(replace(prototype._listen2, net));
    noteCalls(prototype);
  };
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  if (typeof internals !== "object" || internals === null) return put();
  if (MARK in internals) {
    refuseForks(internals[MARK]);
    return put();
  }
  Object.defineProperty(internals, MARK, {
    configurable: true,
    enumerable: true,
    get: () => undefined,
    set: (value: unknown) => {
      Object.defineProperty(internals, MARK, { value, writable: true, configurable: true });
      refuseForks(value);
      put();
    },
  });
}

function nodeNet(): NodeNet {
  const process: { readonly getBuiltinModule: (name: string) => NodeNet } = Reflect.get(
    globalThis,
    "process",
  );
  return process.getBuiltinModule("node:net");
}

/** Where the script has called `listen()`, by what it called that of: errors come later, from elsewhere. */
const calls = new WeakMap<NodeServer, Error>();

function noteCalls(prototype: NodeServer): void {
  const listen = prototype.listen as (...args: unknown[]) => NodeServer;
  const noted = function (this: NodeServer, ...args: unknown[]): NodeServer {
    calls.set(this, callOf(noted));
    return passOnErrors(noted, () => listen.apply(this, args));
  };
  Object.assign(prototype, { listen: noted });
}

/** The errors that a server has with its address are the script's business. */
function replacement(bind: Bind): Bind {
  const replaced = function (this: NodeServer, ...args: Parameters<Bind>): void {
    // The first call of all was on its way before anything was noted.
    if (!calls.has(this)) calls.set(this, callOf(replaced));
    passOnErrors(replaced, () => bind.apply(this, args));
    if (this._handle === null) placeNextError(this);
  };
  return replaced;
}

function callOf(called: (...args: never[]) => unknown): Error {
  const call = new Error();
  Error.captureStackTrace(call, called);
  return call;
}

/** Node says `error` at the next opportunity. */
function placeNextError(server: NodeServer): void {
  const own = Object.getOwnPropertyDescriptor(server, "emit");
  const { emit } = server;
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event !== "error") return Reflect.apply(emit, server, [event, ...args]);
    if (own === undefined) Reflect.deleteProperty(server, "emit");
    else Object.defineProperty(server, "emit", own);
    const [error, ...others] = args;
    const placed = error instanceof Error ? placedAtCall(server, error) : error;
    return Reflect.apply(emit, server, [event, placed, ...others]);
  };
}

/** The same error, as if it were made where the script has called. */
function placedAtCall(server: NodeServer, error: Error): Error {
  const call = calls.get(server);
  if (call === undefined) return error;
  call.message = error.message;
  call.stack = String(call.stack).replace(/^[^\n]*/, () => `Error: ${error.message}`);
  return Object.assign(call, error);
}

/** Fails as if somebody else had the address. */
export function failInUse(server: NodeServer, address: string | null, port: number | null): void {
  const place = port === null || port < 0 ? address ?? "" : `${address ?? "::"}:${port}`;
  const error = Object.assign(new Error(`listen EADDRINUSE: address already in use ${place}`), {
    code: "EADDRINUSE",
    errno: EADDRINUSE,
    syscall: "listen",
    address: address ?? "::",
    ...(port !== null && port >= 0 && { port }),
  });
  queueMicrotask(() => server.emit("error", error));
}

/** As node numbers errors of the kernel (errno(3)). */
const EADDRINUSE = -98;
