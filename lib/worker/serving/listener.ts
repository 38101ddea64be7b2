/**
 * Runs in the worker. Opens Deno's servers and listeners on the sockets of the instance: on the
 * inherited descriptor where that is possible, else on a socket of their own (`reusePort`).
 *
 * @module
 */

import type { ListenPlace } from "../../system/sockets/adopted_listener.ts";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { instanceAccess } from "../instance.ts";
import { LastingServer } from "./lasting_server.ts";
import { isStopped, keepStopped } from "../draining/accept_control.ts";
import type { ErrorHandler, Handler, Server, TlsOptions } from "../handler.ts";

const currentInstance = instanceAccess();

/** Deno's own functions that listen. */
export type ListeningFunctions = Pick<typeof Deno, "serve" | "listen" | "listenTls">;

let kept: ListeningFunctions | null = null;

/** The script is about to find other functions in the place of Deno's own, which are these. */
export function keepListeningFunctions(functions: ListeningFunctions): void {
  kept = functions;
}

/** True if the script finds other functions in the place of Deno's own. */
export function replacesListening(): boolean {
  return kept !== null;
}

/** Deno's own functions, whatever the script finds in their place. */
export function listeningFunctions(): ListeningFunctions {
  return kept ?? Deno;
}

/**
 * Calls `open` with a place to listen at and makes what it opened accept on the socket.
 *
 * @param socket The configured socket.
 * @param fd The inherited descriptor of it, or null.
 * @param open Opens a Deno server or listener at the place, and returns it with its address.
 * @throws {Error} If there is neither a descriptor nor a way to bind the address here.
 */
export function openOn<T extends { readonly addr: Deno.Addr }>(
  socket: WorkerSocket,
  fd: number | null,
  open: (place: ListenPlace) => T,
): T {
  const { operations } = currentInstance();
  if (operations === null || fd === null) return open(ownPlace(socket));
  const opened = operations.adopt(fd, socket.address, open);
  keepStopped(fd);
  return opened;
}

function ownPlace(socket: WorkerSocket): ListenPlace {
  if (socket.bind === null) {
    throw new Error(
      `Cannot serve "${socket.address}" without foreign functions: allow them with --allow-ffi, ` +
        "or use a TCP socket",
    );
  }
  return { ...socket.bind, reusePort: true };
}

/** What a server is started with, beside its handler; it means what it means for `Deno.serve`. */
export interface ServingOptions extends TlsOptions {
  readonly onError?: ErrorHandler;
  readonly signal?: AbortSignal;
}

/** Starts a server at a place. */
export type Serving = (place: ListenPlace, handler: Handler, options: ServingOptions) => Server;

const servings = new Map<WorkerSocket["protocol"], Serving>();

/** Called by the preload that gives sockets of this option another server than `Deno.serve`. */
export function serveWith(protocol: WorkerSocket["protocol"], serving: Serving): void {
  servings.set(protocol, serving);
}

/** True if {@linkcode serveWith} was called for sockets of this option. */
export function isServedOtherwise({ protocol }: WorkerSocket): boolean {
  return servings.has(protocol);
}

/**
 * Starts the server that belongs to a socket on one of its descriptors, or on a socket of its own. It
 * accepts until it is ended, whatever happens to accept(2).
 *
 * @param late True: it may begin to accept later, when there are descriptors.
 */
export function openServer(
  socket: WorkerSocket,
  fd: number | null,
  handler: Handler,
  options: ServingOptions,
  late = false,
): Server {
  const serve = servings.get(socket.protocol) ?? serveHttp;
  return new LastingServer({
    open: () => openOn(socket, fd, (place) => serve(place, handler, options)),
    mayOpen: () => fd === null || !isStopped(fd),
    signal: options.signal,
    late,
  });
}

/** `Deno.serve`, without a word about it. */
export function serveHttp(place: ListenPlace, handler: Handler, options: ServingOptions): Server {
  const all = { ...options, onListen: () => {} };
  const { serve } = listeningFunctions();
  return "path" in place
    ? serve({ ...all, path: place.path }, handler) as Server
    : serve({ ...all, ...place }, handler) as Server;
}

/** `Deno.listen`, or `Deno.listenTls` if there is a certificate. */
export function listenAt(place: ListenPlace, { cert, key }: TlsOptions = {}): Deno.Listener {
  const { listen, listenTls } = listeningFunctions();
  if ("path" in place) {
    return listen({ transport: "unix", path: place.path }) as Deno.Listener;
  }
  return cert === undefined || key === undefined
    ? listen({ ...place })
    : listenTls({ ...place, cert, key });
}

/** The socket's real address, in Deno's form. */
export function denoAddress(socket: WorkerSocket): Deno.Addr {
  const tcp = /^\[?([^@/].*?)\]?:(\d+)$/.exec(socket.address);
  if (tcp === null) return { transport: "unix", path: socket.address.replace(/^@/, "\0") };
  return { transport: "tcp", hostname: tcp[1] ?? "", port: Number(tcp[2]) };
}
