/**
 * Runs in the worker. The entries of `uwsgi.sockets`.
 *
 * @module
 */

import { slotDescriptor, type WorkerSocket } from "../protocol/worker_environment.ts";
import { drain, type Drainable } from "./drain.ts";
import { countedHandling, type Handler } from "./http.ts";
import { instanceAccess } from "./instance.ts";
import {
  denoAddress,
  listenAt,
  openOn,
  openServer,
  type Server,
  type TlsOptions,
} from "./listener.ts";
import type { Place } from "../system/adopted_listener.ts";
import { Coverage, stopQueues } from "./queues.ts";

const currentInstance = instanceAccess();

export type { Server, TlsOptions } from "./listener.ts";

/** Options of {@linkcode UwsgiSocket.serve}; they mean what they mean for `Deno.serve`. */
export interface ServeOptions {
  /** Ends the server when it is aborted, as `Deno.serve` does. */
  readonly signal?: AbortSignal;
  /** Makes the response when the handler throws. @default A response with status 500 */
  readonly onError?: (error: unknown) => Response | Promise<Response>;
  /** Called with the real address once the server accepts. @default Nothing is printed */
  readonly onListen?: (address: Deno.Addr) => void;
}

/** One configured listening socket: an entry of `uwsgi.sockets`. */
export interface UwsgiSocket {
  /** The real address, for example `0.0.0.0:8080`, `/run/app.sock` or `@name`. */
  readonly address: string;
  /**
   * The option that asked for it: {@linkcode serve} speaks the uwsgi protocol on a `uwsgi-socket`, and
   * HTTP on the others.
   */
  readonly protocol: "socket" | "http-socket" | "uwsgi-socket";
  /**
   * The inherited descriptor, for example for `node:http`'s `server.listen({ fd })`, which then owns
   * it. -1 where none could be inherited.
   */
  readonly fd: number;

  /**
   * Serves HTTP on this socket through `Deno.serve`, or the uwsgi protocol. Requests are counted. When
   * the worker retires, or the returned server's `shutdown()` is called, the server stops accepting,
   * answers with `Connection: close`, and ends when its last client has gone.
   *
   * @throws {TypeError} If the socket is served already.
   */
  serve(handler: Handler, options?: ServeOptions): Server;

  /** A listener for raw connections on this socket. Closing it does not close the socket. */
  listen(): Deno.Listener;
}

/** What accepts on a socket of the instance. */
export interface Service extends Drainable {
  /** Accepts for these slots as well, and for no others. */
  cover(slots: readonly number[]): void;
}

/** The worker's side of a {@linkcode UwsgiSocket}: also knows what serves it. */
export class InstanceSocket implements UwsgiSocket {
  readonly address: string;
  readonly protocol: "socket" | "http-socket" | "uwsgi-socket";
  readonly fd: number;
  /** The socket as the master describes it. */
  readonly source: WorkerSocket;
  #served: Service | null = null;
  #listened = false;

  /** Made by the preload, one for each configured socket. */
  constructor(socket: WorkerSocket) {
    this.source = socket;
    this.address = socket.address;
    this.protocol = socket.protocol;
    this.fd = slotDescriptor(socket, currentInstance().environment.slot) ?? -1;
  }

  serve(handler: Handler, options: ServeOptions = {}, tls: TlsOptions = {}): Server {
    this.#mustBeFree();
    const { onError } = options;
    const handling = countedHandling({ handler, ...(onError && { onError }) });
    const served = new Served(this.source, handling.handler, { ...options, ...handling, tls });
    this.#served = served;
    return served.server;
  }

  listen(): Deno.Listener {
    return this.listenWith(listenAt);
  }

  /** The same with a listener of another kind, which `open` opens at a place. */
  listenWith<T extends { readonly addr: Deno.Addr }>(open: (place: Place) => T): T {
    const listener = openOn<T>(this.source, this.fd < 0 ? null : this.fd, open);
    Object.defineProperty(listener, "addr", { value: denoAddress(this.source), enumerable: true });
    this.#listened = true;
    return listener;
  }

  /** From now on, something of another kind accepts on this socket. */
  serveBy(service: Service): void {
    this.#mustBeFree();
    this.#served = service;
  }

  /** What serves this socket; null: nothing does, or a listener that the script has. */
  get served(): Service | null {
    return this.#served;
  }

  /** True if the script has a server or a listener on it. */
  get taken(): boolean {
    return this.#served !== null || this.#listened;
  }

  /** True if a sibling's queue for this address cannot be taken by this worker. */
  get excludesCovering(): boolean {
    return this.source.fds.length > 1 && this.#served === null;
  }

  #mustBeFree(): void {
    if (this.#served !== null) throw new TypeError(`"${this.address}" is served already`);
  }
}

/** A socket that is served: on this slot's queue, and on those of slots that have no worker now. */
class Served implements Service {
  /** The server on this slot's own queue. */
  readonly server: Server;
  readonly #socket: WorkerSocket;
  readonly #handler: Handler;
  readonly #options: ServeOptions & { readonly tls: TlsOptions };
  readonly #coverage: Coverage;
  readonly #ends: (() => Promise<void>)[] = [];

  /** Starts to serve this slot's own queue. */
  constructor(
    socket: WorkerSocket,
    handler: Handler,
    options: ServeOptions & { readonly tls: TlsOptions },
  ) {
    this.#socket = socket;
    this.#handler = handler;
    this.#options = options;
    this.#coverage = new Coverage(socket.fds, (fd) => this.#open(fd));
    const { slot } = currentInstance().environment;
    this.server = this.#open(slotDescriptor(socket, slot), options.onListen);
  }

  cover(slots: readonly number[]): void {
    this.#coverage.cover(slots);
  }

  /** Leaves further connections on this socket, whichever slot the queue belongs to. */
  stopAccepting(): void {
    stopQueues(this.#socket.fds);
  }

  /** Ends all servers: WebSockets get a close frame (1001), idle connections an orderly end. */
  async end(): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
  }

  #open(fd: number | null, onListen: (address: Deno.Addr) => void = () => {}): Server {
    const { onError, signal, tls } = this.#options;
    const options = { ...tls, ...(onError && { onError }), ...(signal && { signal }) };
    const server = openServer(this.#socket, fd, this.#handler, options);
    const address = denoAddress(this.#socket);
    this.#ends.push(server.shutdown.bind(server));
    Object.defineProperty(server, "addr", { value: address, enumerable: true });
    // Deno's own shutdown loses connections that were accepted and not read from yet.
    const shutdown = () => drain([this], currentInstance().environment.mercyMs);
    Object.defineProperty(server, "shutdown", { value: shutdown });
    Object.defineProperty(server, Symbol.asyncDispose, { value: shutdown });
    onListen(address);
    return server;
  }
}
