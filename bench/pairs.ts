/**
 * Compares two things that are measured in turn: what disturbs the machine for a while disturbs both.
 *
 * @module
 */

/** duwsgi, or what it is compared with. */
export type Side = "ours" | "theirs";

/** One measurement of each side, one right after the other. */
export type Pair = Readonly<Record<Side, number>>;

/** What the pairs say. */
export interface Ratio {
  /** Median of the pairs' ratios, ours to theirs. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Number of pairs. */
  readonly pairs: number;
  /** Median of our measurements. */
  readonly ours: number;
  /** Median of their measurements. */
  readonly theirs: number;
}

/** Which side goes first changes from pair to pair: A B, B A, A B … */
export function orderOfPair(pair: number): readonly [Side, Side] {
  return pair % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"];
}

/**
 * Measures pairs one after the other.
 *
 * @param first Number of the first pair, which decides who begins.
 */
export async function measurePairs(
  count: number,
  measure: (side: Side) => Promise<number>,
  first = 0,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let pair = first; pair < first + count; pair++) {
    const found = { ours: NaN, theirs: NaN };
    for (const side of orderOfPair(pair)) found[side] = await measure(side);
    pairs.push(found);
  }
  return pairs;
}

/**
 * The middle of the values, or the mean of the two in the middle.
 *
 * @throws {RangeError} If there are none.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError("No values have no median");
  return (lower + upper) / 2;
}

/** Sums the pairs up. */
export function ratioOf(pairs: readonly Pair[]): Ratio {
  const ratios = pairs.map(({ ours, theirs }) => ours / theirs);
  return {
    median: median(ratios),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    pairs: pairs.length,
    ours: median(pairs.map((pair) => pair.ours)),
    theirs: median(pairs.map((pair) => pair.theirs)),
  };
}
