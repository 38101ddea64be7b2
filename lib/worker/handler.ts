/**
 * The handlers and servers of scripts, as types: those of Deno, and those of `node:net`.
 *
 * @module
 */

import type { Server as NetServer } from "node:net";

/** Handles a request, as for `Deno.serve`. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

/** Makes the response when the handler threw, as for `Deno.serve`. */
export type ErrorHandler = (error: unknown) => Response | Promise<Response>;

/** What a script wants to be served. */
export interface Handling {
  readonly handler: Handler;
  /** Absent: Deno answers {@linkcode UNHANDLED}. */
  readonly onError?: ErrorHandler;
}

/** A server on one socket: what `Deno.serve` returns, with the real address. */
export type Server = Deno.HttpServer<Deno.Addr>;

/** What else `Deno.serve` can be told, beside where it listens: certificate and key. */
export type TlsOptions = Partial<Deno.TlsCertifiedKeyPem>;

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
export interface NodeServer extends NetServer {
  /** There once it listens. */
  _handle: { close(): void } | null;
  /** How many connections it has. */
  _connections: number;
  /** Emits `close` if it neither listens nor has connections. */
  _emitCloseIfDrained(): void;
  /** What `address()` says of one that has no port. */
  _pipeName: string | undefined;
  _listen2: Bind;
}
