/**
 * Limits and priority of this process, which its children inherit.
 *
 * @module
 */

import { numbersIn } from "../descriptor.ts";
import { check, type Libc } from "../libc.ts";

/** The limits by their numbers, see getrlimit(2). */
export const RESOURCE = { nproc: 6, nofile: 7, as: 9 } as const;

const PRIO_PROCESS = 0;

/**
 * Sets the soft and the hard limit of a resource.
 *
 * @throws {SystemCallError} If only root may raise it that far.
 */
export function setLimit(c: Libc, resource: keyof typeof RESOURCE, limit: number): void {
  const pair = new BigUint64Array([BigInt(limit), BigInt(limit)]);
  check(c, "setrlimit", c.setrlimit(RESOURCE[resource], new Uint8Array(pair.buffer)));
}

/**
 * Sets the nice value of this process. Linux has one for each thread, and a new thread has that of the
 * one which starts it.
 *
 * @throws {SystemCallError} If only root may go as low as that.
 */
export function setNice(c: Libc, nice: number): void {
  for (const thread of numbersIn(c, "/proc/self/task")) {
    check(c, "setpriority", c.setpriority(PRIO_PROCESS, thread, nice));
  }
}
