/**
 * Runs in the worker. The entries of `uwsgi.sockets`.
 *
 * @module
 */

import { stopAccepting } from "../system/accept_queue.ts";
import { slotDescriptor, type WorkerSocket } from "../protocol/worker_environment.ts";
import { drain } from "./drain.ts";
import { countedHandling, type Handler } from "./http.ts";
import { currentInstance } from "./instance.ts";
import { denoAddress, openOn } from "./listener.ts";
import { stopQueues } from "./queues.ts";

/** Options of {@linkcode UwsgiSocket.serve}; they mean what they mean for `Deno.serve`. */
export interface ServeOptions {
  /** Ends the server when it is aborted, as `Deno.serve` does. */
  readonly signal?: AbortSignal;
  /** Makes the response when the handler throws. @default A response with status 500 */
  readonly onError?: (error: unknown) => Response | Promise<Response>;
  /** Called with the real address once the server accepts. @default Nothing is printed */
  readonly onListen?: (address: Deno.Addr) => void;
}

/** A server on one socket: what `Deno.serve` returns, with the real address. */
export type Server = Deno.HttpServer<Deno.Addr>;

/** One configured listening socket: an entry of `uwsgi.sockets`. */
export interface UwsgiSocket {
  /** The real address, for example `0.0.0.0:8080`, `/run/app.sock` or `@name`. */
  readonly address: string;
  /** The option that asked for it. */
  readonly protocol: "socket" | "http-socket";
  /**
   * The inherited descriptor, for example for `node:http`'s `server.listen({ fd })`, which then owns
   * it. -1 where none could be inherited.
   */
  readonly fd: number;

  /**
   * Serves HTTP on this socket through `Deno.serve`. Requests are counted. When the worker retires,
   * or the returned server's `shutdown()` is called, the server stops accepting, answers with
   * `Connection: close`, and ends when its last client has gone.
   *
   * @throws {TypeError} If the socket is served already.
   */
  serve(handler: Handler, options?: ServeOptions): Server;

  /** A listener for raw connections on this socket. Closing it does not close the socket. */
  listen(): Deno.Listener;
}

/** The worker's side of a {@linkcode UwsgiSocket}: also knows what serves it. */
export class InstanceSocket implements UwsgiSocket {
  readonly address: string;
  readonly protocol: "socket" | "http-socket";
  readonly fd: number;
  readonly #socket: WorkerSocket;
  #served: Served | null = null;

  /** Made by the preload, one for each configured socket. */
  constructor(socket: WorkerSocket) {
    this.#socket = socket;
    this.address = socket.address;
    this.protocol = socket.protocol;
    this.fd = slotDescriptor(socket, currentInstance().environment.slot) ?? -1;
  }

  serve(handler: Handler, options: ServeOptions = {}): Server {
    if (this.#served !== null) throw new TypeError(`"${this.address}" is served already`);
    const { onError } = options;
    const handling = countedHandling({ handler, ...(onError && { onError }) });
    this.#served = new Served(this.#socket, handling.handler, { ...options, ...handling });
    return this.#served.server;
  }

  listen(): Deno.Listener {
    const fd = this.fd < 0 ? null : this.fd;
    const listener = openOn<Deno.Listener>(
      this.#socket,
      fd,
      (place) =>
        "path" in place
          ? Deno.listen({ transport: "unix", path: place.path }) as Deno.Listener
          : Deno.listen({ ...place }),
    );
    Object.defineProperty(listener, "addr", { value: denoAddress(this.#socket), enumerable: true });
    return listener;
  }

  /** What {@linkcode serve} started; null: this socket is not served here. */
  get served(): Served | null {
    return this.#served;
  }

  /** True if a sibling's queue for this address cannot be taken by this worker. */
  get excludesCovering(): boolean {
    return this.#socket.fds.length > 1 && this.#served === null;
  }
}

/** A socket that is served: on this slot's queue, and on those of slots that have no worker now. */
export class Served {
  /** The server on this slot's own queue. */
  readonly server: Server;
  readonly #socket: WorkerSocket;
  readonly #handler: Handler;
  readonly #options: ServeOptions;
  readonly #covering = new Map<number, Covering>();
  readonly #ends: (() => Promise<void>)[] = [];

  /** Starts to serve this slot's own queue. */
  constructor(socket: WorkerSocket, handler: Handler, options: ServeOptions) {
    this.#socket = socket;
    this.#handler = handler;
    this.#options = options;
    const { slot } = currentInstance().environment;
    this.server = this.#open(slotDescriptor(socket, slot), options.onListen);
  }

  /** Accepts for these slots as well, and for no others. */
  cover(slots: readonly number[]): void {
    if (this.#socket.fds.length < 2) return;
    for (const [slot, covering] of this.#covering) {
      if (!slots.includes(slot)) covering.rest();
    }
    for (const slot of slots) {
      const fd = this.#socket.fds[slot - 1];
      if (fd === undefined) continue;
      const known = this.#covering.get(slot);
      if (known === undefined) this.#covering.set(slot, new Covering(fd, this.#open(fd)));
      else known.resume();
    }
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
    const { onError, signal } = this.#options;
    const rest = { ...(onError && { onError }), ...(signal && { signal }), onListen: () => {} };
    const server = openOn<Server>(
      this.#socket,
      fd,
      (place) =>
        "path" in place
          ? Deno.serve({ ...rest, path: place.path }, this.#handler) as Server
          : Deno.serve({ ...rest, ...place }, this.#handler) as Server,
    );
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

/** A server on the queue of another slot, which accepts only while that slot needs it. */
class Covering {
  readonly server: Server;
  readonly #fd: number;
  #resume: (() => void) | null = null;

  constructor(fd: number, server: Server) {
    this.#fd = fd;
    this.server = server;
  }

  rest(): void {
    const { libc } = currentInstance();
    if (libc !== null) this.#resume ??= stopAccepting(libc, this.#fd);
  }

  resume(): void {
    this.#resume?.();
    this.#resume = null;
  }
}
