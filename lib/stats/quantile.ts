/**
 * Quantiles of a histogram with fixed buckets.
 *
 * @module
 */

/**
 * The time that a share of the requests did not exceed, in the unit of the bounds. Within a bucket
 * it is interpolated, as if its requests were spread evenly.
 *
 * @param bounds upper bounds of the buckets, ascending
 * @param buckets counts: one per bound, and one for what is beyond the last bound
 * @param share from 0 to 1: 0.5 is the median
 * @returns null if nothing was counted; the last bound if the quantile is beyond it
 */
export function quantile(
  bounds: readonly number[],
  buckets: readonly number[],
  share: number,
): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [index, upper] of bounds.entries()) {
    const count = buckets[index] ?? 0;
    if (count > 0 && below + count >= rank) {
      const lower = bounds[index - 1] ?? 0;
      return lower + (upper - lower) * Math.max(0, rank - below) / count;
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}
