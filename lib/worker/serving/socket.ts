/**
 * Runs in the worker. The entries of `uwsgi.sockets`.
 *
 * @module
 */

import type { Server } from "../handler.ts";
import { slotDescriptor, type WorkerSocket } from "../../protocol/worker_environment.ts";
import { EventStreams } from "../connections/event_streams.ts";
import { countedHandling } from "./http.ts";
import { Http2Streams } from "../connections/http2_streams.ts";
import { instanceAccess } from "../instance.ts";
import { denoAddress, isServedOtherwise, listenAt, openOn } from "./listener.ts";
import type { ListenPlace } from "../../system/sockets/adopted_listener.ts";
import { configuredTls, Served, type ServeOptions, type Service } from "./served_socket.ts";
import type { Handler, TlsOptions } from "../handler.ts";

const currentInstance = instanceAccess();

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

const followers: (() => void)[] = [];

/** Calls `follow` whenever a socket was taken, or is free again: see {@linkcode InstanceSocket.taken}. */
export function followOccupancy(follow: () => void): void {
  followers.push(follow);
}

function occupancyChanged(): void {
  for (const follow of followers) follow();
}

/** The worker's side of a {@linkcode UwsgiSocket}: also knows what serves it. */
export class InstanceSocket implements UwsgiSocket {
  readonly address: string;
  readonly protocol: "socket" | "http-socket" | "https-socket" | "uwsgi-socket";
  readonly fd: number;
  /** The socket as the master describes it. */
  readonly source: WorkerSocket;
  #served: Service | null = null;
  /** Listeners that the script has. */
  #listeners = 0;
  #wasTaken = false;
  /** The slots that are accepted for as well. */
  #slots: readonly number[] = [];

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
    const secure = this.source.certificate !== undefined || tls.cert !== undefined;
    const streams = new Http2Streams();
    const events = new EventStreams();
    const direct = !isServedOtherwise(this.source);
    const transport = { secure, direct, streams, events };
    const own = { handler, ...(onError && { onError }) };
    const handling = countedHandling(own, transport);
    const left = () => this.release(served);
    const all = { ...options, ...handling, tls, streams, events, left };
    const served: Served = new Served(this.source, handling.handler, all, own);
    this.#take(served);
    // A server that fails is still the end of the worker, unless somebody takes the error.
    void served.server.finished.finally(() => this.release(served));
    return served.server;
  }

  listen(): Deno.Listener {
    const tls = configuredTls(this.source);
    return this.listenWith((place) => listenAt(place, tls));
  }

  /** The same with a listener of another kind, which `open` opens at a place. */
  listenWith<T extends { readonly addr: Deno.Addr }>(open: (place: ListenPlace) => T): T {
    const listener = openOn<T>(this.source, this.fd < 0 ? null : this.fd, open);
    Object.defineProperty(listener, "addr", { value: denoAddress(this.source), enumerable: true });
    this.#listeners += 1;
    this.#wasTaken = true;
    whenClosed(listener, () => {
      this.#listeners -= 1;
      occupancyChanged();
    });
    occupancyChanged();
    return listener;
  }

  /** From now on, something of another kind accepts on this socket. */
  serveBy(service: Service): void {
    this.#mustBeFree();
    this.#take(service);
  }

  /** A service accepts no more: somebody else may. Nothing happens if it has left the socket already. */
  release(service: Service): void {
    if (this.#served !== service) return;
    this.#served = null;
    occupancyChanged();
  }

  /** Whatever serves this socket, now or later, accepts for these slots as well. */
  cover(slots: readonly number[]): void {
    this.#slots = slots;
    this.#served?.cover(slots);
  }

  /** What serves this socket; null: nothing does, or a listener that the script has. */
  get served(): Service | null {
    return this.#served;
  }

  /** True once the script has had a server or a listener on it. */
  get wasTaken(): boolean {
    return this.#wasTaken;
  }

  /** True if the script has a server or a listener on it. */
  get taken(): boolean {
    return this.#served !== null || this.#listeners > 0;
  }

  /** True if a sibling's queue for this address cannot be taken by this worker. */
  get excludesCovering(): boolean {
    return this.source.fds.length > 1 && this.#served === null;
  }

  #take(service: Service): void {
    this.#served = service;
    this.#wasTaken = true;
    if (this.#slots.length > 0) service.cover(this.#slots);
    occupancyChanged();
  }

  #mustBeFree(): void {
    if (this.#served !== null) throw new TypeError(`"${this.address}" is served already`);
  }
}

/** Calls `closed` once a listener accepts no more because it was closed, in whichever way. */
function whenClosed(listener: object, closed: () => void): void {
  let open = true;
  for (const name of ["close", Symbol.dispose]) {
    const original: unknown = Reflect.get(listener, name);
    if (typeof original !== "function") continue;
    const value = (...args: readonly unknown[]): unknown => {
      const result: unknown = Reflect.apply(original, listener, args);
      if (open) closed();
      open = false;
      return result;
    };
    Object.defineProperty(listener, name, { value, configurable: true, writable: true });
  }
}
