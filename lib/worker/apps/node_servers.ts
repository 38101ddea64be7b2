/**
 * Runs in the worker. Gives the sockets of the instance to servers of `node:net`, `node:tls`, `node:http`
 * and `node:https`, which then leave as `Deno.serve` does.
 *
 * @module
 */

import { slotDescriptor, type WorkerSocket } from "../../protocol/worker_environment.ts";
import type { Activity } from "../clients/judge.ts";
import { type ClientConnection, listenerEnd } from "../connections.ts";
import { drain } from "../drain.ts";
import { instanceAccess } from "../instance.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { sayCannotAccept } from "../lasting_server.ts";
import { Coverage, isStopped, stopQueues } from "../queues.ts";
import type { InstanceSocket, Service } from "../socket.ts";
import { announce, socketFor } from "./adoption.ts";
import type { Asked } from "./choose_socket.ts";
import { NodeConnections } from "./node_connections.ts";
import { type Bind, type NodeNet, type NodeServer, replaceBind } from "./node_listen.ts";

const currentInstance = instanceAccess();

/** From now on, node's servers are given sockets of the instance. */
export function awaitNodeServers(): void {
  replaceBind((bind, net) => {
    return function (this: NodeServer, ...args: Parameters<Bind>): void {
      const asked = askedBy(args);
      const given = asked === null ? null : socketFor("listen()", asked);
      if (given === null) return bind.apply(this, args);
      const { socket } = given;
      if (given.again && !(socket.served instanceof NodeService)) return bind.apply(this, args);
      const service = socket.served instanceof NodeService
        ? socket.served
        : new NodeService(socket.source, bind, net);
      service.add(this);
      if (!given.again) socket.serveBy(service);
      this._pipeName = portOf(socket) === null ? socket.address : undefined;
      if (this._handle !== null) announce();
    };
  });
}

/** Null: it has a socket that somebody else opened. */
function askedBy([address, port, , , fd]: Parameters<Bind>): Asked | null {
  if (typeof port === "number" && port >= 0) return { port };
  if (port === -1 && typeof address === "string") return { path: address };
  // A descriptor that the worker did not inherit from its master is no socket of anybody.
  return typeof fd === "number" && !isInherited(fd) ? { port: 0 } : null;
}

function isInherited(fd: number): boolean {
  return currentInstance().environment.sockets.some(({ fds }) => fds.includes(fd));
}

function portOf({ address }: Pick<InstanceSocket, "address">): string | null {
  return /:(\d+)$/.exec(address)?.[1] ?? null;
}

/** What Deno makes of `reusePort`, and of the family of an address. */
const REUSE_PORT = 4;
const IPV4 = 4;
const IPV6 = 6;

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

/** The servers on one socket: one, and others that asked for the same port. */
class NodeService implements Service {
  readonly #socket: WorkerSocket;
  readonly #bind: Bind;
  readonly #net: NodeNet;
  readonly #coverage: Coverage;
  readonly #servers: { readonly server: NodeServer; readonly connections: NodeConnections }[] = [];
  readonly #queues = new Map<number, Queue>();
  #drained: Promise<void> | null = null;

  constructor(socket: WorkerSocket, bind: Bind, net: NodeNet) {
    this.#socket = socket;
    this.#bind = bind;
    this.#net = net;
    this.#coverage = new Coverage(socket.fds, (fd) => this.#accept(fd));
  }

  /** Lets a server accept on this slot's queue. */
  add(server: NodeServer): void {
    this.#servers.push({ server, connections: new NodeConnections(server) });
    const fd = this.#ownQueue;
    this.#listen(server, fd);
    if (fd !== null) this.#queues.set(fd, { other: null, accepted: 0, before: 0, waited: false });
    this.#replaceEnds(server);
  }

  cover(slots: readonly number[]): void {
    this.#coverage.cover(slots);
  }

  activity(): ReadonlyMap<string, Activity> | null {
    const all = new Map<string, Activity>();
    for (const { connections } of this.#servers) {
      const some = connections.activity();
      if (some === null) return null;
      for (const [client, activity] of some) all.set(client, activity);
    }
    return all;
  }

  /** True if one of the servers is of `node:tls` or `node:https`. */
  get isSecure(): boolean {
    return this.#servers.some(({ server }) => "setSecureContext" in server);
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
    return this.activity();
  }

  endLasting(): void {
    for (const { connections } of this.#servers) connections.endWebSockets();
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
  }

  async end(): Promise<void> {
    await Promise.all(this.#servers.map(({ connections }) => connections.end()));
  }

  get #ownQueue(): number | null {
    return slotDescriptor(this.#socket, currentInstance().environment.slot);
  }

  #acceptedFrom(fd: number, { accepted }: Queue): number {
    if (fd !== this.#ownQueue) return accepted;
    const all = this.#servers.reduce((sum, { connections }) => sum + connections.accepted, 0);
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
      return this.#bind.call(server, null, null, null, listen, own, 0);
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
    const { server } = first;
    const { allowHalfOpen, noDelay, pauseOnConnect } = server as unknown as Record<string, boolean>;
    const other = new this.#net.Server({ allowHalfOpen, noDelay, pauseOnConnect });
    const queue = this.#queues.get(fd) ?? { other, accepted: 0, before: 0, waited: false };
    other.on("connection", (socket) => {
      queue.accepted += 1;
      server.emit("connection", socket);
    });
    other.unref();
    this.#listen(other, fd);
    queue.other = other;
    this.#queues.set(fd, queue);
  }

  /** What the script does when it wants to leave would lose the requests of clients that stay connected. */
  #replaceEnds(server: NodeServer): void {
    const { close } = server;
    server.close = (done) => {
      this.#drained ??= drain([this], currentInstance().environment.mercyMs);
      void this.#drained.then(() => close.call(server, done));
      return server;
    };
    if ("closeIdleConnections" in server) {
      Object.assign(server, { closeIdleConnections: () => {} });
    }
  }
}
