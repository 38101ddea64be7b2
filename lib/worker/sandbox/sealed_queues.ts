/**
 * Runs in the worker, where it is a sandbox. The operations on the queues of the instance: let a server of
 * Deno's accept on one, stop that, and accept again. See `sealed_files.ts` for how they are written.
 *
 * A server that does not accept has a quiet socket under its descriptor, which is registered with epoll as the
 * queue was. So Deno's own end of the server takes the registration away, and none outlives its server.
 *
 * @module
 */

import { EVENT_BYTES } from "./registrations.ts";
import { type OpenFile, type RetainedCalls, whole } from "./sealed_files.ts";
import type { Swap, SwapSetup } from "./swap.ts";

/** A server or connection of Deno's that waits for its socket. */
export interface Seat {
  /** Its descriptor, which stands for the quiet socket. */
  readonly fd: number;
  /** The port at which it was opened; 0: it has a path. */
  readonly port: number;
  /** The path at which it was opened; empty: it has a port. */
  readonly path: string;
}

/** A listening socket of the instance. */
export interface Queue {
  /** The number under which it was inherited, which is its name. */
  readonly name: number;
  readonly file: OpenFile;
  /** Other descriptors of it, for servers of node's. */
  readonly spares: readonly number[];
}

/** What was arranged before the script. */
export interface QueueSetup extends SwapSetup {
  readonly swap: Swap;
  /** A listening socket that nobody can reach. */
  readonly quiet: { readonly fd: number; readonly file: OpenFile };
  readonly queues: readonly Queue[];
  readonly seats: readonly Seat[];
  /** Backlog for listen(2). */
  readonly backlog: number;
}

/** The operations. All of them take anything, and do nothing when it names nothing. */
export interface SealedQueues {
  /** Lets the queue be listened on; false: it cannot be. */
  readonly listen: (queue: unknown) => boolean;
  /** Lets the server that was opened at a port or path accept on a queue; false: there is none. */
  readonly adopt: (queue: unknown, port: unknown, path: unknown) => boolean;
  /** The number of one of the queue's other descriptors, which nothing accepts on; -1: there is none. */
  readonly spare: (queue: unknown) => number;
  /** Stops all servers that accept on a queue, as part of a batch. */
  readonly stop: (queue: unknown, batch: unknown) => void;
  /** Lets the servers of a batch accept again. */
  readonly resume: (batch: unknown) => void;
  /** Gives a queue up for good. */
  readonly leave: (queue: unknown) => void;
  /** True if a server accepts on a queue. */
  readonly isServed: (queue: unknown) => boolean;
  /** Number of connections that wait in a queue. */
  readonly length: (queue: unknown) => number;
}

/** How many servers can be stopped at a time, and registered with one queue. */
const MOST = 4_096;
const NONE = -1;
const [IPPROTO_TCP, TCP_INFO] = [6, 11];
const TCP_INFO_BYTES = 148;
/** Where `tcpi_unacked` is in `struct tcp_info`: for a listening socket it is the queue's length. */
const UNACKED_AT = 24;

/** Makes the operations. */
export function sealedQueues(
  c: Pick<RetainedCalls, "listen" | "getsockopt">,
  setup: QueueSetup,
): SealedQueues {
  const { files, registrations, epolls, swap, quiet, queues, seats, backlog } = setup;
  const queueCount = queues.length;
  const seatCount = seats.length;
  const epollCount = epolls.length;
  const gone = new Uint8Array(queueCount);
  const event = new Uint8Array(EVENT_BYTES);
  const fds = new Int32Array(MOST);
  /** Descriptors of servers that are stopped, by place, with their queue and their batch. */
  const stopped = new Int32Array(MOST).fill(NONE);
  const stoppedQueue = new Int32Array(MOST);
  const stoppedBatch = new Int32Array(MOST);
  const info = new Uint8Array(TCP_INFO_BYTES);
  const size = new Uint8Array(4);

  /** The place of a queue that is still there; -1: it names none. */
  function placeOf(given: unknown): number {
    const name = whole(given);
    for (let i = 0; i < queueCount; i++) {
      const queue = queues[i];
      if (queue === undefined || queue.name !== name) continue;
      return gone[i] === 0 && files.is(name, queue.file) ? i : NONE;
    }
    return NONE;
  }

  function isRegistered(fd: number, file: OpenFile): boolean {
    for (let i = 0; i < epollCount; i++) {
      if (registrations.find(epolls[i]?.info ?? NONE, fd, file, event)) return true;
    }
    return false;
  }

  function note(fd: number, queue: number, batch: number): void {
    let place = NONE;
    for (let i = 0; i < MOST; i++) {
      if (stopped[i] === fd) place = i;
      else if (place === NONE && stopped[i] === NONE) place = i;
    }
    if (place === NONE) return;
    stopped[place] = fd;
    stoppedQueue[place] = queue;
    stoppedBatch[place] = batch;
  }

  function stop(place: number, batch: number): void {
    const queue = queues[place];
    if (queue === undefined) return;
    for (let i = 0; i < epollCount; i++) {
      const count = registrations.descriptorsOf(epolls[i]?.info ?? NONE, queue.file, fds, MOST);
      for (let k = 0; k < count; k++) {
        const fd = fds[k] ?? NONE;
        if (swap(fd, queue.file, quiet.fd)) note(fd, place, batch);
      }
    }
  }

  return {
    listen: (given) => {
      const place = placeOf(given);
      return place !== NONE && c.listen(queues[place]?.name ?? NONE, backlog) === 0;
    },
    adopt: (given, port, path) => {
      const place = placeOf(given);
      if (place === NONE) return false;
      for (let i = 0; i < seatCount; i++) {
        const seat = seats[i];
        if (seat === undefined) continue;
        if (seat.port === 0 ? seat.path !== path : seat.port !== port) continue;
        return swap(seat.fd, quiet.file, queues[place]?.name ?? NONE);
      }
      return false;
    },
    spare: (given) => {
      const place = placeOf(given);
      const queue = place === NONE ? undefined : queues[place];
      if (queue === undefined) return NONE;
      for (let i = 0; i < queue.spares.length; i++) {
        const fd = queue.spares[i] ?? NONE;
        if (files.is(fd, queue.file) && !isRegistered(fd, queue.file)) return fd;
        // What a server leaves that was silenced before it ended.
        const isLeft = files.is(fd, quiet.file) && !isRegistered(fd, quiet.file);
        if (isLeft && files.replace(queue.name, fd)) return fd;
      }
      return NONE;
    },
    stop: (given, asked) => {
      const place = placeOf(given);
      const batch = whole(asked);
      if (place !== NONE) stop(place, batch);
    },
    resume: (asked) => {
      const batch = whole(asked);
      for (let i = 0; i < MOST; i++) {
        const fd = stopped[i] ?? NONE;
        if (fd === NONE || stoppedBatch[i] !== batch) continue;
        stopped[i] = NONE;
        const place = stoppedQueue[i] ?? NONE;
        const queue = queues[place];
        if (queue === undefined || gone[place] === 1 || !files.is(queue.name, queue.file)) continue;
        swap(fd, quiet.file, queue.name);
      }
    },
    leave: (given) => {
      const place = placeOf(given);
      const queue = place === NONE ? undefined : queues[place];
      if (queue === undefined) return;
      stop(place, NONE);
      gone[place] = 1;
      // Its numbers stay taken: what was open when the script began is never closed.
      for (let i = 0; i < queue.spares.length; i++) {
        const fd = queue.spares[i] ?? NONE;
        if (files.is(fd, queue.file)) files.replace(quiet.fd, fd);
      }
      files.replace(quiet.fd, queue.name);
    },
    isServed: (given) => {
      const place = placeOf(given);
      const queue = place === NONE ? undefined : queues[place];
      if (queue === undefined) return false;
      for (let i = 0; i < epollCount; i++) {
        if (registrations.descriptorsOf(epolls[i]?.info ?? NONE, queue.file, fds, MOST) > 0) {
          return true;
        }
      }
      return false;
    },
    length: (given) => {
      const place = placeOf(given);
      if (place === NONE) return 0;
      size[0] = TCP_INFO_BYTES;
      size[1] = size[2] = size[3] = 0;
      const fd = queues[place]?.name ?? NONE;
      if (c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, size) !== 0) return 0;
      return (info[UNACKED_AT] ?? 0) | ((info[UNACKED_AT + 1] ?? 0) << 8) |
        ((info[UNACKED_AT + 2] ?? 0) << 16);
    },
  };
}
