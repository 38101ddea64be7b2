/**
 * Runs in the worker. What is asked of the kernel about clients, and done with their connections, in an ordinary
 * worker. A sandboxed worker has a form of its own (`sandbox/client_sockets.ts`).
 *
 * @module
 */

import { tcpInfo } from "../../system/sockets/accept_queue.ts";
import { descriptorCount, descriptorLimit } from "../../system/descriptor.ts";
import { detach } from "../../system/sockets/detach.ts";
import { isListening, listenQueueLength } from "../../system/sockets/listen_queue.ts";
import type { Libc } from "../../system/libc.ts";
import { type ClientConnection, clientConnections } from "../connections/client_connections.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";
import { type Traffic, trafficOf } from "../connections/connection_times.ts";

const currentInstance = instanceAccess();

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

/** shutdown(2). */
const SHUT_WR = 1;
const MSG_DONTWAIT = 0x40;
/** How long a connection that was ended may wait for its client's end (2 s). */
export const LINGER_MS = 2_000;
/** The first byte of an alert of TLS: its client has ended the connection, too (RFC 8446, 5.1). */
export const TLS_ALERT = 21;

/** The sockets of an ordinary worker's clients. */
export class OrdinaryClientSockets implements ClientSockets {
  readonly limit: number;
  readonly #libc: Libc;
  /** Connections that were ended here and not yet by their client, and when they are closed. */
  readonly #ended = new Map<number, number>();
  /** Those on which a request has come since. */
  readonly #late = new Set<number>();
  #crossed = 0;
  /** What comes too late is read into this. */
  readonly #bytes = new Uint8Array(4096);

  /** Looks at the limit of descriptors, now. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.limit = descriptorLimit(libc) ?? Infinity;
  }

  count(): number {
    return descriptorCount(this.#libc);
  }

  connections(): ClientConnection[] {
    return clientConnections(this.#libc, currentInstance().environment);
  }

  isWaiting(queue: number): boolean {
    // The script may have closed it, and the number may stand for a connection by now.
    return isListening(this.#libc, queue) && listenQueueLength(this.#libc, queue) > 0;
  }

  traffic({ handle }: ClientConnection): Traffic | null {
    const info = tcpInfo(this.#libc, handle);
    return info === null ? null : trafficOf(info);
  }

  end(clients: readonly ClientConnection[], lingerMs = LINGER_MS): void {
    const until = performance.now() + lingerMs;
    const fds = clients.map(({ handle }) => handle);
    for (const fd of withReserve(() => detach(this.#libc, fds))) {
      this.#libc.shutdown(fd, SHUT_WR);
      this.#ended.set(fd, until);
    }
  }

  get lingering(): number {
    return this.#ended.size;
  }

  get crossed(): number {
    return this.#crossed;
  }

  isEnded({ handle }: ClientConnection): boolean {
    return this.#ended.has(handle);
  }

  closeEnded(): void {
    const now = performance.now();
    for (const [fd, until] of this.#ended) {
      if (now < until && !this.#isOver(fd)) continue;
      this.#libc.close(fd);
      this.#ended.delete(fd);
      this.#late.delete(fd);
    }
  }

  #isOver(fd: number): boolean {
    const bytes = this.#bytes;
    // A client that goes on sending is closed in time, too.
    for (let pieces = 0; pieces < 16; pieces++) {
      const length = Number(this.#libc.recv(fd, bytes, 4096n, MSG_DONTWAIT));
      if (length === 0) return true;
      if (length < 0) return tcpInfo(this.#libc, fd)?.getUint8(0) === TCP_CLOSE;
      if (bytes[0] !== TLS_ALERT) this.#noteLate(fd);
    }
    return false;
  }

  #noteLate(fd: number): void {
    if (this.#late.has(fd)) return;
    this.#late.add(fd);
    this.#crossed += 1;
  }
}

/** The state after a reset. */
const TCP_CLOSE = 7;
