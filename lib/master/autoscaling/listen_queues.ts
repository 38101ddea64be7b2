/**
 * Runs in the master, where options of scaling are used. The queues of the listening sockets: who has
 * one, and what waits in it. Listening sockets that have no worker are opened and watched here.
 *
 * @module
 */

import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { ConnectionWatch } from "../../system/sockets/connection_watch.ts";
import { check, type Libc } from "../../system/libc.ts";
import { isListening, listenQueueLength } from "../../system/sockets/listen_queue.ts";

/** Where sockets come from: they grow with the number of slots. */
export interface SocketSource {
  /** The sockets of the instance; none once they are closed. */
  readonly sockets: readonly WorkerSocket[];
}

/** The queues of all sockets. */
export class Queues {
  readonly #libc: Libc;
  readonly #source: SocketSource;

  /** Nothing is opened yet. */
  constructor(libc: Libc, source: SocketSource) {
    this.#libc = libc;
    this.#source = source;
  }

  /**
   * Has the kernel listen for slot 1, so that the first connection can be noticed before any worker
   * has started. Queues that are open already stay as they are.
   *
   * @param length How many connections may wait (`listen`).
   * @throws {SystemCallError} If the kernel refuses.
   */
  openFirst(length: number): void {
    for (const { fds } of this.#source.sockets) {
      const [first] = fds;
      if (first === undefined || isListening(this.#libc, first)) continue;
      check(this.#libc, "listen", this.#libc.listen(first, length));
    }
  }

  /** Connections that wait at the address where most do, in the queues of all slots together. */
  get longest(): number {
    return Math.max(0, ...this.#source.sockets.map(({ fds }) => this.#waiting(fds)));
  }

  /**
   * Begins to wait for a connection to any socket. The kernel spreads connections over all queues that
   * were ever opened, so all of them are watched.
   *
   * @throws {SystemCallError} If there are no more descriptors.
   */
  watch(): ConnectionWatch {
    const fds = this.#source.sockets.flatMap((socket) => socket.fds);
    return new ConnectionWatch(this.#libc, fds.filter((fd) => isListening(this.#libc, fd)));
  }

  #waiting(fds: readonly number[]): number {
    return fds.reduce((sum, fd) => sum + listenQueueLength(this.#libc, fd), 0);
  }
}
