/**
 * Runs in the worker. What accepts on a socket of the instance for servers of node.
 *
 * @module
 */

import { slotDescriptor, type WorkerSocket } from "../../protocol/worker_environment.ts";
import { pause } from "../../system/timing.ts";
import { relayActivity } from "../connections/client_activity.ts";
import type { Activity } from "../connections/connection_times.ts";
import { type ClientConnection, listenerEnd } from "../connections/client_connections.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { drain } from "../draining/drain.ts";
import { instanceAccess } from "../instance.ts";
import { sayCannotAccept } from "../serving/lasting_server.ts";
import { workerLeaves } from "../leaving.ts";
import { isServedOtherwise } from "../serving/listener.ts";
import {
  Coverage,
  isStopped,
  keepStopped,
  silenceServers,
  stopQueues,
} from "../draining/accept_control.ts";
import { endServer } from "../draining/script_end.ts";
import type { InstanceSocket } from "../serving/socket.ts";
import { beginningOn } from "./node_beginning.ts";
import { NodeConnections } from "./node_connections.ts";
import type { NodeNet } from "./node_listen.ts";
import type { Bind, NodeServer } from "../handler.ts";
import type { Service } from "../serving/served_socket.ts";

const currentInstance = instanceAccess();

/** What Deno makes of `reusePort`, and of the family of an address. */
const REUSE_PORT = 4;
const IPV4 = 4;
const IPV6 = 6;

/**
 * Until what was accepted before a server was silenced has come to it (10 ms): that takes no more than a turn of
 * the event loop.
 */
const ACCEPTED_MS = 10;

/** A queue that is accepted from, as it was at the last look. */
interface Queue {
  /** What accepts on it; null: the script's own server. */
  other: NodeServer | null;
  /** How many connections that one has taken from it. */
  accepted: number;
  /** How many all have taken. */
  before: number;
  /** True if connections waited. */
  waited: boolean;
}

/** The connections of each server that has ever had a socket. */
const followed = new WeakMap<NodeServer, NodeConnections>();
/** Who lets a server accept; a server that was closed has nobody. */
const services = new WeakMap<NodeServer, NodeService>();

/** The servers on one socket: one, and others that asked for the same port. */
export class NodeService implements Service {
  readonly #owner: InstanceSocket;
  readonly #socket: WorkerSocket;
  readonly #bind: Bind;
  readonly #net: NodeNet;
  readonly #coverage: Coverage;
  readonly #servers: NodeServer[] = [];
  readonly #queues = new Map<number, Queue>();
  #drained: Promise<void> | null = null;

  /** Nothing accepts before {@linkcode add}. */
  constructor(owner: InstanceSocket, bind: Bind, net: NodeNet) {
    this.#owner = owner;
    this.#socket = owner.source;
    this.#bind = bind;
    this.#net = net;
    this.#coverage = new Coverage(this.#socket.fds, (fd) => this.#accept(fd));
  }

  /**
   * Lets a server accept on this slot's queue.
   *
   * @throws {Error} If it cannot be had on this socket.
   */
  add(server: NodeServer): void {
    const connections = followed.get(server);
    const own = connections ?? new NodeConnections(server);
    const beginning = beginningOn(
      this.#socket,
      server,
      (connection) => own.handOver(server, connection),
    );
    own.begin(beginning);
    const fd = this.#ownQueue;
    this.#listen(server, fd);
    if (server._handle === null) return;
    if (fd !== null) {
      this.#queues.set(fd, { other: null, accepted: 0, before: 0, waited: false });
    }
    this.#servers.push(server);
    services.set(server, this);
    if (connections !== undefined) return;
    followed.set(server, own);
    replaceEnds(server);
  }

  cover(slots: readonly number[]): void {
    this.#coverage.cover(slots);
  }

  async answer(url: string): Promise<number> {
    const { ask } = currentInstance();
    const server = this.#servers.find((one) => "headersTimeout" in one);
    if (ask === null || server === undefined) throw new Error("the server does not speak HTTP");
    return await ask.node(server, url, (socket) => followed.get(server)?.ignore(socket));
  }

  activity(): ReadonlyMap<string, Activity> | null {
    return isServedOtherwise(this.#socket) ? null : this.#byClient();
  }

  /** True if connections have TLS, of the script or of the configuration. */
  get isSecure(): boolean {
    return this.#socket.certificate !== undefined ||
      this.#servers.some((server) => "setSecureContext" in server);
  }

  /** With TLS, only a server can end a connection in order. */
  endEarly(clients: readonly ClientConnection[], over: ReadonlySet<ClientConnection>): void {
    const own = clients.filter(({ near }) => near === this.near);
    if (this.isSecure && own.length > 0 && own.every((one) => over.has(one))) void this.end();
  }

  get near(): string {
    return listenerEnd(this.#socket.address);
  }

  doings(): ReadonlyMap<string, Activity> | null {
    const known = this.#byClient();
    if (known === null || !isServedOtherwise(this.#socket)) return known;
    // In the uwsgi protocol a connection has one request, which socket-timeout waits for.
    return this.#socket.protocol === "uwsgi-socket" ? null : relayActivity(known);
  }

  endLasting(): void {
    for (const connections of this.#connections) connections.endWebSockets();
    this.endEventStreams();
  }

  /**
   * Node's servers accept no more after an accept(2) that failed, for want of descriptors for example, and
   * say nothing. So where connections waited at two looks, and none was taken in between, somebody else
   * accepts.
   */
  lookAtQueues(isWaiting: (fd: number) => boolean): void {
    for (const [fd, queue] of this.#queues) {
      const waits = !isStopped(fd) && isWaiting(fd);
      const accepted = this.#acceptedFrom(fd, queue);
      if (waits && queue.waited && accepted === queue.before) this.#acceptAnew(fd);
      queue.before = accepted;
      queue.waited = waits;
    }
  }

  stopAccepting(): void {
    stopQueues(this.#socket.fds);
    for (const connections of this.#connections) connections.tellToGo();
  }

  endEventStreams(): number {
    return this.#connections.reduce((sum, { events }) => sum + events.end(), 0);
  }

  async end(): Promise<void> {
    await Promise.all(this.#connections.map((connections) => connections.end()));
  }

  /**
   * The script has closed a server while its worker leaves: what it does when it wants to leave would lose the
   * requests of clients that stay connected.
   */
  leave(): Promise<void> {
    return this.#drained ??= drain([this], currentInstance().environment.mercyMs);
  }

  /**
   * The script has closed a server in a worker that stays: it has its socket no more, and its clients go. What
   * waits in the queues is for whoever comes next.
   *
   * @param close Closes what listens.
   */
  async remove(server: NodeServer, close: () => void): Promise<void> {
    services.delete(server);
    this.#servers.splice(this.#servers.indexOf(server), 1);
    const { fds, address } = this.#socket;
    const isLast = this.#servers.length === 0;
    const resume = isLast ? null : stopQueues(fds);
    if (isLast) {
      silenceServers(fds);
      this.#coverage.leave();
      this.#owner.release(this);
    }
    await pause(ACCEPTED_MS);
    close();
    if (isLast) { for (const { other } of this.#queues.values()) other?.close(); }
    else resume?.();
    const connections = followed.get(server);
    if (connections === undefined) return;
    await endServer({
      stopAccepting: () => {},
      activity: () => connections.activity(),
      end: () => connections.end(),
    }, address);
  }

  #byClient(): ReadonlyMap<string, Activity> | null {
    const all = new Map<string, Activity>();
    for (const connections of this.#connections) {
      const some = connections.activity();
      if (some === null) return null;
      for (const [client, activity] of some) all.set(client, activity);
    }
    return all;
  }

  get #connections(): NodeConnections[] {
    return this.#servers.flatMap((server) => followed.get(server) ?? []);
  }

  get #ownQueue(): number | null {
    return slotDescriptor(this.#socket, currentInstance().environment.slot);
  }

  #acceptedFrom(fd: number, { accepted }: Queue): number {
    if (fd !== this.#ownQueue) return accepted;
    const all = this.#connections.reduce((sum, connections) => sum + connections.accepted, 0);
    const others = [...this.#queues.values()].reduce((sum, queue) => sum + queue.accepted, 0);
    return all - others + accepted;
  }

  #acceptAnew(fd: number): void {
    const before = this.#queues.get(fd)?.other;
    try {
      withReserve(() => this.#accept(fd));
      before?.close();
    } catch (error) {
      sayCannotAccept(error);
    }
  }

  #listen(server: NodeServer, fd: number | null): void {
    const { operations, environment: { listen } } = currentInstance();
    // The server closes it one day, and the instance needs its own.
    if (operations !== null && fd !== null) {
      const own = operations.descriptorOf(fd);
      this.#bind.call(server, null, null, null, listen, own, 0);
      return keepStopped(fd);
    }
    const { address, bind: own } = this.#socket;
    if (own === null) {
      throw new Error(
        `Cannot listen on "${address}" without foreign functions: allow them with --allow-ffi, or use a ` +
          "TCP socket",
      );
    }
    const family = own.hostname.includes(":") ? IPV6 : IPV4;
    this.#bind.call(server, own.hostname, own.port, family, listen, undefined, REUSE_PORT);
  }

  /** Accepts on the queue of another slot, for the first server. */
  #accept(fd: number): void {
    const [first] = this.#servers;
    // Without foreign functions every worker has a queue of its own, and this one is not it.
    if (first === undefined || currentInstance().operations === null) return;
    const { allowHalfOpen, noDelay, pauseOnConnect } = first as unknown as Record<string, boolean>;
    const other = new this.#net.Server({ allowHalfOpen, noDelay, pauseOnConnect });
    const queue = this.#queues.get(fd) ?? { other, accepted: 0, before: 0, waited: false };
    other.on("connection", (socket) => {
      queue.accepted += 1;
      // The first server may have been closed since.
      (this.#servers[0] ?? first).emit("connection", socket);
    });
    other.unref();
    this.#listen(other, fd);
    queue.other = other;
    this.#queues.set(fd, queue);
  }
}

/** Lets the script close a server without a loss; a server that has no socket is closed as ever. */
function replaceEnds(server: NodeServer): void {
  const { close } = server;
  server.close = (done) => {
    const service = services.get(server);
    if (service === undefined) return close.call(server, done);
    if (workerLeaves()) {
      void service.leave().then(() => close.call(server, done));
      return server;
    }
    // It is closed at once for whoever asks, and can listen again; what listens is closed later.
    const { _handle: handle } = server;
    server._handle = null;
    if (done !== undefined) server.once("close", done);
    server._connections += 1;
    close.call(server);
    void service.remove(server, () => handle?.close()).then(() => {
      server._connections -= 1;
      server._emitCloseIfDrained();
      if (done === undefined || server._handle === null) return;
      server.removeListener("close", done);
      done();
    });
    return server;
  };
  if (!("closeIdleConnections" in server)) return;
  const { closeIdleConnections } = server;
  Object.assign(server, {
    closeIdleConnections: () => {
      if (!services.has(server) && server._handle !== null) {
        Reflect.apply(closeIdleConnections as () => void, server, []);
      }
    },
  });
}
