/**
 * The buckets into which the times of requests are sorted: workers count in them, and everybody who shows
 * them has to know their bounds.
 *
 * @module
 */

/**
 * Upper bounds of the buckets, in microseconds, ascending. What took longer than the last one is in a
 * further bucket.
 */
export const LATENCY_BOUNDS_US: readonly number[] = Object.freeze([
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  25_000,
  50_000,
  100_000,
  250_000,
  500_000,
  1_000_000,
  2_500_000,
  5_000_000,
  10_000_000,
]);

/** Number of buckets: one more than there are bounds. */
export const LATENCY_BUCKETS = LATENCY_BOUNDS_US.length + 1;

/** Number of the bucket, from 0, for a time in microseconds. Most requests are in one of the first. */
export function latencyBucket(us: number): number {
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_US.length && us > (LATENCY_BOUNDS_US[bucket] ?? 0)) bucket++;
  return bucket;
}
