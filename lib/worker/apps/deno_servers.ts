/**
 * Runs in the worker. Puts functions in the place of `Deno.serve`, `Deno.listen` and `Deno.listenTls` that
 * listen on the sockets of the instance.
 *
 * @module
 */

import type { Place } from "../../system/adopted_listener.ts";
import type { Handler } from "../http.ts";
import { keepListeningFunctions, type ListeningFunctions } from "../listener.ts";
import type { InstanceSocket, Server, TlsOptions } from "../socket.ts";
import { announce, socketFor } from "./adoption.ts";
import type { Asked } from "./choose_socket.ts";

/** What `Deno.serve`, `Deno.listen` and `Deno.listenTls` may be told. */
interface Options extends TlsOptions {
  readonly port?: number | string;
  readonly path?: string;
  readonly transport?: string;
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

function replace(name: string, value: (...args: readonly unknown[]) => unknown): void {
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
  const asked = askedBy(options, DEFAULT_PORT);
  if (typeof handler !== "function" || asked === null) return null;
  const given = socketFor("Deno.serve", asked);
  if (given === null || given.again) return null;
  return serveOn(given.socket, handler as Handler, options);
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
  const asked = askedBy(optionsIn([argument]), null);
  const given = asked === null ? null : socketFor("Deno.listen", asked);
  if (given === null || given.again) return null;
  const listener = given.socket.listen();
  announce();
  return listener;
}

function listenTlsApp(original: ListeningFunctions, argument: unknown): Deno.TlsListener | null {
  const options = optionsIn([argument]);
  const { key, cert, alpnProtocols } = options;
  const asked = askedBy(options, null);
  if (asked === null || key === undefined || cert === undefined) return null;
  const given = socketFor("Deno.listenTls", asked);
  if (given === null || given.again) return null;
  const more = { key, cert, ...(alpnProtocols && { alpnProtocols }) };
  const open = (place: Place): Deno.TlsListener => {
    if ("port" in place) return original.listenTls({ ...more, ...place });
    throw new TypeError(`Deno.listenTls cannot listen on a Unix socket ("${place.path}")`);
  };
  const listener = given.socket.listenWith(open);
  announce();
  return listener;
}

function optionsIn(args: readonly unknown[]): Options {
  return args.find((one): one is Options => typeof one === "object" && one !== null) ?? {};
}

/** Where it is asked to listen; null: nowhere that an instance has sockets for, or it is a mistake. */
function askedBy(options: Options, defaultPort: number | null): Asked | null {
  const { path, transport = "tcp" } = options;
  const port = options.port ?? (path === undefined ? defaultPort : undefined);
  if (typeof path === "string") return { path };
  if (transport !== "tcp" || port === null || port === undefined) return null;
  return /^\d{1,5}$/.test(String(port)) ? { port: Number(port) } : null;
}
