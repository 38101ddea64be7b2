/**
 * Finds the name a user probably meant. Unlike `@std/text/closest-string` it may answer "none": a
 * far-fetched suggestion is worse than no suggestion.
 *
 * @module
 */

/** Longer words are not compared: nobody mistypes them into one of ours. */
const LONGEST = 32;

/**
 * The name nearest to `word`, or null when none is near: at most one typing error for every three
 * characters, where a swap of neighbours is one error. The first of equally near names wins.
 */
export function nearestName(word: string, names: Iterable<string>): string | null {
  if (word.length > LONGEST) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(word.length - name.length) >= bestDistance) continue;
    const distance = editDistance(word, name, bestDistance);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`; some number from
 * `limit` on where there are that many or more.
 */
function editDistance(a: string, b: string, limit: number): number {
  const cell = (row: Uint32Array, at: number) => row[at] ?? 0;
  let twoAbove = new Uint32Array(b.length + 1);
  let above = Uint32Array.from(twoAbove, (_, column) => column);
  let row = new Uint32Array(b.length + 1);
  let leastAbove = 0;
  for (let i = 1; i <= a.length; i++) {
    let least = row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let fewest = cell(above, j - 1) + (same ? 0 : 1);
      fewest = Math.min(fewest, cell(above, j) + 1, cell(row, j - 1) + 1);
      if (!same && i > 1 && j > 1 && isSwapped(a, i, b, j)) {
        fewest = Math.min(fewest, cell(twoAbove, j - 2) + 1);
      }
      row[j] = fewest;
      least = Math.min(least, fewest);
    }
    // A row is made of the two above it: no later one has less than the lesser of these.
    if (Math.min(least, leastAbove + 1) >= limit) return limit;
    leastAbove = least;
    [twoAbove, above, row] = [above, row, twoAbove];
  }
  return cell(above, b.length);
}

/** True if the two letters before these places are each other's. */
function isSwapped(a: string, i: number, b: string, j: number): boolean {
  return a.charCodeAt(i - 1) === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1);
}
