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

import type { Server } from "node:net";

/** What node's servers bind with, after `listen()` has read its arguments and looked up the host. */
export type Bind = (
  this: NodeServer,
  address: string | null,
  port: number | null,
  addressType: number | null,
  backlog: number,
  fd: number | null | undefined,
  flags?: number,
) => void;

/** A server of `node:net`, `node:tls`, `node:http` or `node:https`, with what is not documented of it. */
export interface NodeServer extends Server {
  /** There once it listens. */
  readonly _handle: unknown;
  /** What `address()` says of one that has no port. */
  _pipeName: string | undefined;
  _listen2: Bind;
}

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
    prototype._listen2 = replace(prototype._listen2, net);
  };
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  if (typeof internals !== "object" || internals === null || MARK in internals) return put();
  Object.defineProperty(internals, MARK, {
    configurable: true,
    enumerable: true,
    get: () => undefined,
    set: (value: unknown) => {
      Object.defineProperty(internals, MARK, { value, writable: true, configurable: true });
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
