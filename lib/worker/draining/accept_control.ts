/**
 * Runs in the worker. Stops accepting on the sockets of the instance, for servers of whatever kind:
 * also those that the script made itself on the inherited descriptors.
 *
 * @module
 */

import type { Resume } from "../../system/sockets/accept_queue.ts";
import { pause } from "../../system/timing.ts";
import { withReserve } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";

const currentInstance = instanceAccess();

let left = false;

/** A queue that nothing here accepts from now. */
interface Stop {
  /** How many have asked for that. */
  count: number;
  resume: Resume;
}

/** By inherited descriptor. */
const stops = new Map<number, Stop>();

/** Servers on these inherited sockets accept no more, for good; others that come after them may. */
export function silenceServers(fds: readonly number[]): void {
  const { operations } = currentInstance();
  if (operations === null || left) return;
  const running = fds.filter((fd) => !stops.has(fd));
  if (running.length > 0) withReserve(() => operations.stopAccepting(running));
}

/** A server has come to an inherited socket: if nothing is to accept there now, it does not either. */
export function keepStopped(fd: number): void {
  const { operations } = currentInstance();
  const stop = stops.get(fd);
  if (operations === null || stop === undefined || left) return;
  const before = stop.resume;
  const resume = withReserve(() => operations.stopAccepting([fd]));
  stop.resume = (only) => {
    before(only);
    resume(only);
  };
}

/**
 * Leaves further connections on these inherited sockets to somebody else, or in their queues. Several may
 * ask for that at a time: a queue is accepted from again when all of them want it.
 *
 * @returns A function that lets the same servers accept again, unless it is told that they are to stay silent;
 * null: nothing could be done.
 */
export function stopQueues(fds: readonly number[]): ((silent?: boolean) => void) | null {
  const { operations } = currentInstance();
  // Once the queues are left, the numbers may stand for anything.
  if (operations === null || left) return null;
  const running = fds.filter((fd) => !stops.has(fd));
  if (running.length > 0) {
    const resume = withReserve(() => operations.stopAccepting(running));
    for (const fd of running) stops.set(fd, { count: 0, resume });
  }
  const counted = new Set(fds);
  for (const fd of counted) count(fd, 1);
  return (silent = false) => {
    const released = [...counted];
    counted.clear();
    for (const fd of released) {
      const last = count(fd, -1) === 0;
      if (last && !silent && !left) withReserve(() => stops.get(fd)?.resume([fd]));
      if (stops.get(fd)?.count === 0) stops.delete(fd);
    }
  };
}

function count(fd: number, more: number): number | null {
  const stop = stops.get(fd);
  return stop === undefined ? null : stop.count += more;
}

/** True if nothing here is to accept on this inherited socket now. */
export function isStopped(fd: number): boolean {
  return left || stops.has(fd);
}

/** The same for all sockets, except those with these addresses. */
export function stopAllQueues(keep: readonly string[] = []): (() => void) | null {
  return stopQueues(descriptors((address) => !keep.includes(address)));
}

/** How long a worker without a successor goes on accepting what is in its queues already (1 s). */
const LAST_ACCEPTS_MS = 1_000;

/**
 * Leaves sockets for good: what waits in the queues of `served` is accepted first, and then new clients
 * are refused, because nobody comes after this worker.
 *
 * @param closing The addresses of the sockets; absent: all of them.
 */
export async function detachSockets(
  served: readonly number[],
  closing?: readonly string[],
): Promise<void> {
  const { operations } = currentInstance();
  if (operations === null || left) return;
  const deadline = performance.now() + LAST_ACCEPTS_MS;
  while (served.some((fd) => operations.queueLength(fd) > 0) && performance.now() < deadline) {
    await pause(1);
  }
  left = true;
  operations.leaveQueues(descriptors((address) => closing?.includes(address) ?? true));
}

function descriptors(wanted: (address: string) => boolean): number[] {
  const { sockets } = currentInstance().environment;
  return sockets.filter(({ address }) => wanted(address)).flatMap(({ fds }) => fds);
}

/** The queues of other slots that a worker accepts from while those slots have no worker. */
export class Coverage {
  readonly #fds: readonly number[];
  readonly #open: (fd: number) => void;
  readonly #known = new Map<number, ((silent?: boolean) => void) | null>();

  /** `open` lets something accept on the queue with this descriptor; once for each. */
  constructor(fds: readonly number[], open: (fd: number) => void) {
    this.#fds = fds;
    this.#open = open;
  }

  /** Accepts for these slots as well, and for no others. */
  cover(slots: readonly number[]): void {
    if (this.#fds.length < 2) return;
    for (const [slot, resume] of this.#known) {
      if (resume === null && !slots.includes(slot)) this.#known.set(slot, this.#rest(slot));
    }
    for (const slot of slots) this.#begin(slot);
  }

  /** The servers were silenced for good: others may accept for all slots. */
  leave(): void {
    for (const resume of this.#known.values()) resume?.(true);
    this.#known.clear();
  }

  #begin(slot: number): void {
    const fd = this.#fds[slot - 1];
    if (fd === undefined) return;
    if (this.#known.has(slot)) this.#known.get(slot)?.();
    else this.#open(fd);
    this.#known.set(slot, null);
  }

  #rest(slot: number): ((silent?: boolean) => void) | null {
    const fd = this.#fds[slot - 1];
    return fd === undefined ? null : stopQueues([fd]);
  }
}
