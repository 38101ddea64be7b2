/**
 * Runs in the worker. Puts functions in the place of `Deno.serve`, `Deno.listen` and `Deno.listenTls` that
 * listen on the sockets of the instance.
 *
 * @module
 */

import type { Server } from "../handler.ts";
import type { ListenPlace } from "../../system/sockets/adopted_listener.ts";
import { keepListeningFunctions, type ListeningFunctions } from "../serving/listener.ts";
import type { InstanceSocket } from "../serving/socket.ts";
import { passOnErrors } from "../passed_on.ts";
import { announce, IN_USE, type Opening, passOn, socketFor } from "./adoption.ts";
import type { Asked } from "./choose_socket.ts";
import type { Handler, TlsOptions } from "../handler.ts";

/** What `Deno.serve`, `Deno.listen` and `Deno.listenTls` may be told. */
interface Options extends TlsOptions {
  readonly port?: number | string;
  readonly hostname?: string;
  readonly path?: string;
  readonly transport?: string;
  readonly reusePort?: boolean;
  readonly handler?: Handler;
  readonly signal?: AbortSignal;
  readonly onError?: (error: unknown) => Response | Promise<Response>;
  readonly onListen?: (address: Deno.Addr) => void;
  readonly alpnProtocols?: string[];
}

/** `Deno.serve` without a port. */
const DEFAULT_PORT = 8000;

/** From now on, the script's own calls are given sockets of the instance. */
export function replaceDenoFunctions(): void {
  const original = originals();
  keepListeningFunctions(original);
  replace("serve", (...args) => serveApp(args) ?? Reflect.apply(original.serve, Deno, args));
  replace("listen", (...args) => listenApp(args[0]) ?? Reflect.apply(original.listen, Deno, args));
  replace(
    "listenTls",
    (...args) => listenTlsApp(original, args[0]) ?? Reflect.apply(original.listenTls, Deno, args),
  );
}

/** Some of them are loaded by Deno when they are asked for. */
function originals(): ListeningFunctions {
  const serve = Object.getOwnPropertyDescriptor(Deno, "serve");
  const { listen, listenTls } = Deno;
  return {
    get serve(): typeof Deno.serve {
      return serve?.get?.call(Deno) ?? serve?.value;
    },
    listen,
    listenTls,
  };
}

function replace(name: string, listen: (...args: readonly unknown[]) => unknown): void {
  const value = (...args: readonly unknown[]): unknown =>
    passOnErrors(value, () => listen(...args));
  Object.defineProperty(Deno, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}

/** Serves as `Deno.serve` would; null: that one is to do it. */
function serveApp(args: readonly unknown[]): Server | null {
  const options = optionsIn(args);
  const handler = args.find((one) => typeof one === "function") ?? options.handler;
  if (typeof handler !== "function") return null;
  const socket = socketOf("Deno.serve", options, askedBy(options, DEFAULT_PORT));
  return socket === null ? null : serveOn(socket, handler as Handler, options);
}

/** Serves a socket of the instance. An aborted signal ends the server as `shutdown()` does. */
export function serveOn(socket: InstanceSocket, handler: Handler, options: Options): Server {
  const { signal, onError, onListen, key, cert } = options;
  const tls = key === undefined || cert === undefined ? {} : { key, cert };
  const own = { ...(onError && { onError }), ...(onListen && { onListen }) };
  const server = socket.serve(handler, own, tls);
  const end = () => void server.shutdown();
  if (signal?.aborted === true) end();
  else signal?.addEventListener("abort", end, { once: true });
  announce();
  return server;
}

function listenApp(argument: unknown): Deno.Listener | null {
  const options = optionsIn([argument]);
  const socket = socketOf("Deno.listen", options, askedBy(options, null));
  if (socket === null) return null;
  const listener = socket.listen();
  announce();
  return listener;
}

function listenTlsApp(original: ListeningFunctions, argument: unknown): Deno.TlsListener | null {
  const options = optionsIn([argument]);
  const { key, cert, alpnProtocols } = options;
  if (key === undefined || cert === undefined) return null;
  const socket = socketOf("Deno.listenTls", options, askedBy(options, null));
  if (socket === null) return null;
  const more = { key, cert, ...(alpnProtocols && { alpnProtocols }) };
  const open = (place: ListenPlace): Deno.TlsListener => {
    if ("port" in place) return original.listenTls({ ...more, ...place });
    throw new TypeError(`Deno.listenTls cannot listen on a Unix socket ("${place.path}")`);
  };
  const listener = socket.listenWith(open);
  announce();
  return listener;
}

function optionsIn(args: readonly unknown[]): Options {
  return args.find((one): one is Options => typeof one === "object" && one !== null) ?? {};
}

/**
 * The socket for what a function is asked for; null: Deno's own function is to do it.
 *
 * @throws {Deno.errors.AddrInUse} If the script listens there already.
 */
function socketOf(what: string, options: Options, asked: Asked | null): InstanceSocket | null {
  if (asked === null) return null;
  const opening: Opening = { what, asked, host: hostOf(options) };
  const given = socketFor(opening);
  if (given === IN_USE && options.reusePort !== true) {
    throw new Deno.errors.AddrInUse("Address already in use (os error 98)");
  }
  if (given === null) return null;
  if (given !== IN_USE && given.sharedWith === null) return given.socket;
  passOn(opening);
  return null;
}

/** The address without its port; null: all of them. */
function hostOf({ hostname }: Options): string | null {
  if (hostname === undefined || hostname === "0.0.0.0" || hostname === "::") return null;
  return hostname === "localhost" ? "127.0.0.1" : hostname;
}

/** Where it is asked to listen; null: nowhere that an instance has sockets for, or it is a mistake. */
function askedBy(options: Options, defaultPort: number | null): Asked | null {
  const { path, transport = "tcp" } = options;
  const port = options.port ?? (path === undefined ? defaultPort : undefined);
  if (typeof path === "string") return { path };
  if (transport !== "tcp" || port === null || port === undefined) return null;
  return /^\d{1,5}$/.test(String(port)) ? { port: Number(port) } : null;
}
