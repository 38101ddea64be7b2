/**
 * Runs in the worker. What is asked of the kernel about clients, and done with their connections. All of
 * it is here, because in a sandboxed worker only what is foreseen can be done.
 *
 * @module
 */

import { tcpInfo } from "../../system/accept_queue.ts";
import { descriptorCount, descriptorLimit, openDescriptors } from "../../system/descriptor.ts";
import { detach } from "../../system/detach.ts";
import { listenQueueLength } from "../../system/listen_queue.ts";
import type { Libc } from "../../system/libc.ts";
import { type ClientConnection, clientConnections } from "../connections.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";
import type { Traffic } from "./judge.ts";

const currentInstance = instanceAccess();

/** shutdown(2). */
const [SHUT_WR, SHUT_RDWR] = [1, 2];
const MSG_DONTWAIT = 0x40;

/** Where it stands in `struct tcp_info`. */
const AT = { unacked: 24, sentMs: 44, receivedMs: 52, acked: 120, received: 128, unsent: 144 };

/** How long a connection that was ended may wait for its client's end (2 s). */
const LINGER_MS = 2_000;

/** The sockets of this worker's clients. */
export class ClientSockets {
  readonly #libc: Libc;
  readonly #limit: number | null;
  /** Connections that were ended here and not yet by their client, and when they are closed. */
  readonly #ended = new Map<number, number>();

  /** Looks at the limit of descriptors, now. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#limit = descriptorLimit(libc);
  }

  /** How many descriptors the process may have; infinite where that is not known. */
  get limit(): number {
    return this.#limit ?? Infinity;
  }

  /** How many descriptors the process has, at the cost of one system call if possible. */
  count(): number {
    // A sandboxed worker has to count them.
    return currentInstance().environment.sandbox === null
      ? descriptorCount(this.#libc)
      : openDescriptors(this.#libc).length;
  }

  /** All connections: several system calls for each descriptor. */
  connections(): ClientConnection[] {
    return clientConnections(this.#libc, currentInstance().environment);
  }

  /** True if connections wait in the queue of a listening socket, as far as the kernel tells. */
  isWaiting(fd: number): boolean {
    return listenQueueLength(this.#libc, fd) > 0;
  }

  /** What happens on a connection; null: it is no TCP connection, or gone. */
  traffic(fd: number): Traffic | null {
    const info = tcpInfo(this.#libc, fd);
    if (info === null) return null;
    const bytes = (at: number) => Number(info.getBigUint64(at, true));
    return {
      receivedMs: info.getUint32(AT.receivedMs, true),
      sentMs: info.getUint32(AT.sentMs, true),
      received: bytes(AT.received),
      acknowledged: bytes(AT.acked),
      isSending: info.getUint32(AT.unacked, true) > 0 || info.getUint32(AT.unsent, true) > 0,
    };
  }

  /** Ends connections in order: what the client sends from now on is not read, and meets no reset. */
  end(fds: readonly number[]): void {
    if (currentInstance().environment.sandbox !== null) {
      for (const fd of fds) this.#libc.shutdown(fd, SHUT_RDWR);
      return;
    }
    const until = performance.now() + LINGER_MS;
    for (const fd of withReserve(() => detach(this.#libc, fds))) {
      this.#libc.shutdown(fd, SHUT_WR);
      this.#ended.set(fd, until);
    }
  }

  /** Number of connections that were ended and are still there. */
  get lingering(): number {
    return this.#ended.size;
  }

  /** True if the connection was ended here. */
  isEnded(fd: number): boolean {
    return this.#ended.has(fd);
  }

  /** Closes those whose client has ended as well. */
  closeEnded(): void {
    const now = performance.now();
    for (const [fd, until] of this.#ended) {
      if (now < until && !this.#isOver(fd)) continue;
      this.#libc.close(fd);
      this.#ended.delete(fd);
    }
  }

  #isOver(fd: number): boolean {
    const bytes = new Uint8Array(4096);
    // A client that goes on sending is closed in time, too.
    for (let pieces = 0; pieces < 16; pieces++) {
      const length = Number(this.#libc.recv(fd, bytes, 4096n, MSG_DONTWAIT));
      if (length === 0) return true;
      if (length < 0) return tcpInfo(this.#libc, fd)?.getUint8(0) === TCP_CLOSE;
    }
    return false;
  }
}

/** The state after a reset. */
const TCP_CLOSE = 7;
