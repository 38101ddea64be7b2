/**
 * The kernel's monotonic clock, for what is compared with the times of other processes:
 * `performance.now()` counts from the start of its own.
 *
 * @module
 */

import { check, type Libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;

/** Microseconds of CLOCK_MONOTONIC (clock_gettime(2)). */
export function monotonicMicroseconds(c: Libc): bigint {
  const time = new BigInt64Array(2);
  const bytes = new Uint8Array(time.buffer);
  check(c, "clock_gettime", c.clock_gettime(CLOCK_MONOTONIC, bytes));
  const [seconds = 0n, nanoseconds = 0n] = time;
  return seconds * 1_000_000n + nanoseconds / 1_000n;
}
