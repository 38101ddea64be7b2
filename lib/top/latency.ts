/**
 * Adds and subtracts histograms of response times.
 *
 * @module
 */

/** Requests by how long they took: one count per bound, and one for what took longer. */
export type Buckets = readonly number[];

/** What came to a histogram between two looks; null if it is not the same one any more. */
export function bucketsSince(before: Buckets, after: Buckets): Buckets | null {
  if (before.length !== after.length) return null;
  const added = after.map((count, i) => count - (before[i] ?? 0));
  return added.some((count) => count < 0) ? null : added;
}

/** The sum of histograms; empty: there is none. */
export function sumOfBuckets(all: readonly Buckets[]): Buckets {
  const [first = [], ...rest] = all;
  return rest.reduce((sum, one) => sum.map((count, i) => count + (one[i] ?? 0)), first);
}
