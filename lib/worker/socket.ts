/**
 * Runs in the worker. The entries of `uwsgi.sockets`.
 *
 * @module
 */

import { slotDescriptor, type WorkerSocket } from "../protocol/worker_environment.ts";
import { clientActivity, endWebSockets, relayActivity } from "./client_activity.ts";
import type { Activity } from "./clients/judge.ts";
import { type ClientConnection, listenerEnd } from "./connections.ts";
import { drain, type Drainable } from "./drain.ts";
import { countedHandling, type Handler } from "./http.ts";
import { instanceAccess } from "./instance.ts";
import {
  denoAddress,
  isServedOtherwise,
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
  readonly protocol: "socket" | "http-socket" | "https-socket" | "uwsgi-socket";
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

  /**
   * A listener for raw connections on this socket, with TLS for decrypted ones. Closing it does not
   * close the socket.
   */
  listen(): Deno.Listener;
}

/** What accepts on a socket of the instance. */
export interface Service extends Drainable {
  /**
   * What its clients are doing, by their names: who is not among them is free.
   *
   * @returns Null: nothing is known, because it is not HTTP, or the clients are not those of the socket.
   */
  activity(): ReadonlyMap<string, Activity> | null;
  /** Called now and then with what tells if connections wait in a queue. */
  lookAtQueues?(isWaiting: (fd: number) => boolean): void;
  /** Accepts for these slots as well, and for no others. */
  cover(slots: readonly number[]): void;
}

/** The worker's side of a {@linkcode UwsgiSocket}: also knows what serves it. */
export class InstanceSocket implements UwsgiSocket {
  readonly address: string;
  readonly protocol: "socket" | "http-socket" | "https-socket" | "uwsgi-socket";
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
    const tls = configuredTls(this.source);
    return this.listenWith((place) => listenAt(place, tls));
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
  #ended: Promise<unknown> | null = null;

  /** Starts to serve this slot's own queue. */
  constructor(
    socket: WorkerSocket,
    handler: Handler,
    options: ServeOptions & { readonly tls: TlsOptions },
  ) {
    this.#socket = socket;
    const { tls } = currentInstance();
    this.#handler = tls === null || socket.certificate === undefined
      ? handler
      : tls.follow(handler);
    this.#options = options;
    this.#coverage = new Coverage(socket.fds, (fd) => this.#open(fd, true));
    const { slot } = currentInstance().environment;
    this.server = this.#open(slotDescriptor(socket, slot), false, options.onListen);
  }

  cover(slots: readonly number[]): void {
    this.#coverage.cover(slots);
  }

  activity(): ReadonlyMap<string, Activity> | null {
    return isServedOtherwise(this.#socket) ? null : clientActivity();
  }

  /** True if it has a certificate, of the configuration or of the script. */
  get isSecure(): boolean {
    return this.#socket.certificate !== undefined || this.#options.tls.cert !== undefined;
  }

  get near(): string {
    return listenerEnd(this.#socket.address);
  }

  doings(): ReadonlyMap<string, Activity> | null {
    if (!isServedOtherwise(this.#socket)) return clientActivity();
    // In the uwsgi protocol a connection has one request, which socket-timeout waits for.
    return this.#socket.protocol === "uwsgi-socket" ? null : relayActivity();
  }

  endLasting(): void {
    endWebSockets();
  }

  /** Leaves further connections on this socket, whichever slot the queue belongs to. */
  stopAccepting(): void {
    stopQueues(this.#socket.fds);
  }

  /**
   * Clients of HTTP/2 are told to go (GOAWAY), and finish what they have begun. That ends the servers, and
   * would cost those of HTTP/1.1 a request that is on its way, so it waits until all of them are idle. With
   * TLS it is also how these are ended.
   */
  endEarly(clients: readonly ClientConnection[], over: ReadonlySet<ClientConnection>): void {
    if (!this.isSecure) return;
    const { tls } = currentInstance();
    const own = clients.filter(({ near }) => near === this.near);
    if (own.every((one) => over.has(one) || tls?.speaksHttp2(one.client) === true)) void this.end();
  }

  /**
   * Ends all servers: WebSockets get a close frame (1001), clients of HTTP/2 finish what they have begun,
   * idle connections get an orderly end.
   */
  async end(): Promise<void> {
    this.#ended ??= Promise.all(this.#ends.map((end) => end()));
    await this.#ended;
  }

  #open(
    fd: number | null,
    late: boolean,
    onListen: (address: Deno.Addr) => void = () => {},
  ): Server {
    const { onError, signal, tls } = this.#options;
    const configured = configuredTls(this.#socket);
    const options = {
      ...tls,
      ...configured,
      ...(onError && { onError }),
      ...(signal && { signal }),
    };
    const server = openServer(this.#socket, fd, this.#handler, options, late);
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

/** Certificate and key that the configuration gives a socket; empty: it has no TLS. */
function configuredTls({ certificate }: WorkerSocket): TlsOptions {
  if (certificate === undefined) return {};
  const { tls } = currentInstance();
  if (tls === null) throw new Error(`There are no certificates, not even for "${certificate}"`);
  return tls.certificate(certificate);
}
