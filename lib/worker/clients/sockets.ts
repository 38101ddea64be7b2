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
import {
  type ClientConnection,
  clientConnections,
  type ClientSockets,
  LINGER_MS,
} from "../connections/client_connections.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";
import { type Traffic, trafficOf } from "../connections/connection_times.ts";

const currentInstance = instanceAccess();

/** shutdown(2). */
const SHUT_WR = 1;
const MSG_DONTWAIT = 0x40;
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
