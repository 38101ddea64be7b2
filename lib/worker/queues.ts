/**
 * Runs in the worker. Stops accepting on the sockets of the instance, for servers of whatever kind:
 * also those that the script made itself on the inherited descriptors.
 *
 * @module
 */

import { leaveQueues as leave, queueLength, stopAccepting } from "../system/accept_queue.ts";
import { pause } from "../system/timing.ts";
import { currentInstance } from "./instance.ts";

let left = false;

/**
 * Leaves further connections on these inherited sockets to the successor.
 *
 * @returns A function that lets the same servers accept again; null: nothing could be done.
 */
export function stopQueues(fds: readonly number[]): (() => void) | null {
  const { libc } = currentInstance();
  // Once the queues are left, the numbers may stand for anything.
  return libc === null || left ? null : stopAccepting(libc, ...fds);
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
export async function leaveQueues(
  served: readonly number[],
  closing?: readonly string[],
): Promise<void> {
  const { libc } = currentInstance();
  if (libc === null || left) return;
  const deadline = performance.now() + LAST_ACCEPTS_MS;
  while (served.some((fd) => queueLength(libc, fd) > 0) && performance.now() < deadline) {
    await pause(1);
  }
  left = true;
  leave(libc, ...descriptors((address) => closing?.includes(address) ?? true));
}

function descriptors(wanted: (address: string) => boolean): number[] {
  const { sockets } = currentInstance().environment;
  return sockets.filter(({ address }) => wanted(address)).flatMap(({ fds }) => fds);
}
