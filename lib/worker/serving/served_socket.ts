/**
 * Runs in the worker. What serves HTTP, or the uwsgi protocol, on a socket of the instance.
 *
 * @module
 */

import type { Server } from "../handler.ts";
import { slotDescriptor, type WorkerSocket } from "../../protocol/worker_environment.ts";
import {
  clientActivity,
  endWebSockets,
  http2AtWork,
  relayActivity,
} from "../connections/client_activity.ts";
import type { Activity } from "../connections/connection_times.ts";
import { type ClientConnection, listenerEnd } from "../connections/client_connections.ts";
import type { EventStreams } from "../connections/event_streams.ts";
import type { Http2Streams } from "../connections/http2_streams.ts";
import { instanceAccess } from "../instance.ts";
import { workerLeaves } from "../leaving.ts";
import { denoAddress, isServedOtherwise, openServer } from "./listener.ts";
import { Coverage, silenceServers, stopQueues } from "../draining/accept_control.ts";
import { endServer } from "../draining/script_end.ts";
import type { Handler, Handling, TlsOptions } from "../handler.ts";
import type { Drainable } from "../draining/drain.ts";

const currentInstance = instanceAccess();

/** Options of {@linkcode UwsgiSocket.serve}; they mean what they mean for `Deno.serve`. */
export interface ServeOptions {
  /** Ends the server when it is aborted, as `Deno.serve` does. */
  readonly signal?: AbortSignal;
  /** Makes the response when the handler throws. @default A response with status 500 */
  readonly onError?: (error: unknown) => Response | Promise<Response>;
  /** Called with the real address once the server accepts. @default Nothing is printed */
  readonly onListen?: (address: Deno.Addr) => void;
}

/** What accepts on a socket of the instance. */
export interface Service extends Drainable {
  /**
   * What its clients are doing, by their names: who is not among them is free.
   *
   * @returns Null: nothing is known, because it is not HTTP, or the clients are not those of the socket.
   */
  activity(): ReadonlyMap<string, Activity> | null;
  /** Asks for a page, uncounted, and returns the status; absent: it is not HTTP. */
  answer?(url: string): Promise<number>;
  /** Called now and then with what tells if connections wait in a queue. */
  lookAtQueues?(isWaiting: (fd: number) => boolean): void;
  /** Accepts for these slots as well, and for no others. */
  cover(slots: readonly number[]): void;
}

/** What a socket is served with. */
export interface ServedOptions extends ServeOptions {
  readonly tls: TlsOptions;
  /** Called when the servers accept no more, and others may. */
  readonly left: () => void;
  /** The streams of its clients of HTTP/2, while the worker retires. */
  readonly streams: Http2Streams;
  readonly events: EventStreams;
}

/** A socket that is served: on this slot's queue, and on those of slots that have no worker now. */
export class Served implements Service {
  /** The server on this slot's own queue. */
  readonly server: Server;
  readonly #socket: WorkerSocket;
  readonly #handler: Handler;
  /** What the script serves, as it is. */
  readonly #own: Handling;
  readonly #options: ServedOptions;
  readonly #coverage: Coverage;
  readonly #ends: (() => Promise<void>)[] = [];
  #ended: Promise<unknown> | null = null;
  /** Who had streams of HTTP/2 at work when the worker began to leave. */
  #http2: ReadonlySet<string> | null = null;

  /** Starts to serve this slot's own queue. */
  constructor(
    socket: WorkerSocket,
    handler: Handler,
    options: ServedOptions,
    own: Handling,
  ) {
    this.#socket = socket;
    const { tls } = currentInstance();
    const placed = "path" in denoAddress(socket) ? fromUnixSocket(socket, handler) : handler;
    this.#handler = tls === null || socket.certificate === undefined ? placed : tls.follow(placed);
    this.#options = options;
    this.#own = own;
    this.#coverage = new Coverage(socket.fds, (fd) => this.#open(fd, true));
    const { slot } = currentInstance().environment;
    this.server = this.#open(slotDescriptor(socket, slot), false, options.onListen);
  }

  cover(slots: readonly number[]): void {
    this.#coverage.cover(slots);
  }

  answer(url: string): Promise<number> {
    const { ask } = currentInstance();
    if (ask === null) throw new Error("accepting-probe is not set");
    return ask.handler(this.#own, url);
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
    this.endEventStreams();
  }

  /** Leaves further connections on this socket, whichever slot the queue belongs to. */
  stopAccepting(): void {
    stopQueues(this.#socket.fds);
  }

  /**
   * Clients of HTTP/2 are told to go (GOAWAY) at a moment when none of their streams is open. That ends the
   * servers, and would cost clients of HTTP/1.1 a request that is on its way, so it waits until all of them
   * are idle. With TLS it is also how these are ended.
   */
  endEarly(clients: readonly ClientConnection[], over: ReadonlySet<ClientConnection>): void {
    const { tls } = currentInstance();
    const { streams } = this.#options;
    this.#http2 ??= http2AtWork();
    const http2 = this.#http2;
    const hasTls = this.#socket.certificate !== undefined;
    const own = clients.filter(({ near }) => near === this.near);
    const mayGo = own.every((one) =>
      over.has(one) || streams.has(one.client) || http2.has(one.client) ||
      hasTls && tls?.speaksHttp2(one.client) === true
    );
    // Without TLS, nobody knows what those speak that send nothing now.
    if (!mayGo || own.length === 0 && !hasTls) return;
    streams.whenNone(() => {
      const activity = this.activity();
      // Others of their streams were begun before.
      if (own.every(({ client }) => (activity?.get(client) ?? "free") === "free")) void this.end();
    });
  }

  /** Ends event streams in order: their clients connect anew by themselves. */
  endEventStreams(): number {
    return this.#options.events.end();
  }

  /**
   * Ends all servers: WebSockets get a close frame (1001), clients of HTTP/2 finish what they have begun,
   * idle connections get an orderly end.
   */
  async end(): Promise<void> {
    this.#ended ??= Promise.all(this.#ends.map((end) => end()));
    await this.#ended;
  }

  /** The script wants it to end. */
  #shutdown(): Promise<void> {
    if (this.#ended === null && !workerLeaves()) {
      silenceServers(this.#socket.fds);
      this.#coverage.leave();
      this.#options.left();
    }
    return endServer(this, this.#socket.address);
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
    const shutdown = () => this.#shutdown();
    Object.defineProperty(server, "shutdown", { value: shutdown });
    Object.defineProperty(server, Symbol.asyncDispose, { value: shutdown });
    onListen(address);
    return server;
  }
}

/**
 * Shows handlers the path of the socket as the address of its clients, which is what `Deno.serve` does.
 * Here it listened somewhere else before it was given the socket, and would show that.
 */
function fromUnixSocket(socket: WorkerSocket, handler: Handler): Handler {
  const own = denoAddress(socket);
  return (request, info) => {
    // Of a client that a proxy names by its IP address, that is known.
    if (info.remoteAddr.transport === "tcp") return handler(request, info);
    return handler(request, {
      get remoteAddr() {
        return { ...own };
      },
      get completed() {
        return info.completed;
      },
    });
  };
}

/** Certificate and key that the configuration gives a socket; empty: it has no TLS. */
export function configuredTls({ certificate }: WorkerSocket): TlsOptions {
  if (certificate === undefined) return {};
  const { tls } = currentInstance();
  if (tls === null) throw new Error(`There are no certificates, not even for "${certificate}"`);
  return tls.certificate(certificate);
}
