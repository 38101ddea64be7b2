/**
 * Runs in the worker. Counts the connections that clients have with this process, from what the
 * kernel knows of its descriptors: also those that were accepted and not read from yet.
 *
 * @module
 */

import type { Libc } from "../../system/libc.ts";
import { openDescriptors, socketInode } from "../../system/descriptor.ts";
import {
  addressText,
  localAddress,
  peerAddress,
  type SocketAddress,
} from "../../system/sockets/socket_address.ts";
import type { WorkerEnvironment } from "../../protocol/worker_environment.ts";
import type { Traffic } from "./connection_times.ts";

/** A connection of a client. */
export interface ClientConnection {
  /** Names it to the {@linkcode Operations} that found it: its descriptor, or a place in their list. */
  readonly handle: number;
  /** The client's address, see {@linkcode clientKey}; empty for Unix sockets, whose ends are nameless. */
  readonly client: string;
  /** The near end, as {@linkcode listenerEnd} names it. */
  readonly near: string;
}

/** The sockets of this worker's clients. */
export interface ClientSockets {
  /** How many descriptors the process may have; infinite where that is not known. */
  readonly limit: number;
  /** How many descriptors the process has, at the cost of one system call if possible. */
  count(): number;
  /** All connections: several system calls for each descriptor. */
  connections(): ClientConnection[];
  /** True if connections wait in a queue, as far as the kernel tells. */
  isWaiting(queue: number): boolean;
  /** What happens on a connection of the last {@linkcode connections}; null: it is no TCP connection, or gone. */
  traffic(client: ClientConnection): Traffic | null;
  /**
   * Ends connections in order: what the client sends from now on is not read, and meets no reset. Those stay
   * on which something has come that nobody has read, and those for which there are no descriptors.
   *
   * @param lingerMs How long each may wait for its client's end. @default 2000
   */
  end(clients: readonly ClientConnection[], lingerMs?: number): void;
  /** Number of connections that were ended and are still there. */
  readonly lingering: number;
  /** Number of connections on which a request came after their end. */
  readonly crossed: number;
  /** True if the connection was ended here. */
  isEnded(client: ClientConnection): boolean;
  /** Closes those whose client has ended as well, or had time to. */
  closeEnded(): void;
}

/** How long a connection that was ended may wait for its client's end (2 s). */
export const LINGER_MS = 2_000;

/** The connections whose near end is one of the instance's listening addresses. */
export function clientConnections(c: Libc, environment: WorkerEnvironment): ClientConnection[] {
  const listening = new Set(environment.sockets.map((socket) => listenerEnd(socket.address)));
  const found: ClientConnection[] = [];
  for (const fd of openDescriptors(c)) {
    const near = localAddress(c, fd);
    if (near === null || !listening.has(nearEnd(near))) continue;
    const far = peerAddress(c, fd);
    if (far === null) continue;
    found.push({
      handle: fd,
      client: far.family === "unix" ? "" : clientKey(far.host, far.port),
      near: nearEnd(near),
    });
  }
  return found;
}

/** What names a client's connection as long as it lives. */
export function clientKey(host: string, port: number): string {
  return `${host} ${port}`;
}

/**
 * What tells a client's connection from the process's own ones: an accepted connection has the port
 * (or the path) of its listener at its near end, and nobody else can.
 */
function nearEnd(address: SocketAddress): string {
  return address.family === "unix" ? addressText(address) : String(address.port);
}

/** The near end of connections, from their listener's address as text: it may be closed by now. */
export function listenerEnd(address: string): string {
  return /:(\d+)$/.exec(address)?.[1] ?? address;
}

const MSG_DONTWAIT = 0x40;

/**
 * Ends idle connections so that a client that is sending at this very moment sees an orderly end, and
 * no reset: each is held open until the client has closed its side as well.
 */
export class LingeringClose {
  readonly #libc: Libc;
  readonly #held: Map<number, number>;

  /** Holds the given connections; `duplicates` are second descriptors of them. */
  constructor(libc: Libc, duplicates: readonly number[]) {
    this.#libc = libc;
    this.#held = new Map(duplicates.map((fd) => [fd, socketInode(libc, fd) ?? -1]));
  }

  /** Number of connections that are still held. */
  get size(): number {
    return this.#held.size;
  }

  /** Reads away what came too late, and lets go of connections that are over. */
  poll(): void {
    const others = new Map<number, number>();
    for (const fd of openDescriptors(this.#libc)) {
      const inode = socketInode(this.#libc, fd);
      if (inode !== null) others.set(inode, (others.get(inode) ?? 0) + 1);
    }
    for (const [fd, inode] of this.#held) {
      // While the server has it too, it is not idle: its bytes belong to a request.
      if ((others.get(inode) ?? 0) > 1) continue;
      if (this.#isOver(fd)) this.#release(fd);
    }
  }

  #isOver(fd: number): boolean {
    const bytes = new Uint8Array(4096);
    while (true) {
      const length = Number(this.#libc.recv(fd, bytes, 4096n, MSG_DONTWAIT));
      if (length === 0) return true;
      if (length < 0) return peerAddress(this.#libc, fd) === null;
    }
  }

  #release(fd: number): void {
    this.#libc.close(fd);
    this.#held.delete(fd);
  }
}
