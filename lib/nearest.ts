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
    const distance = editDistance(word, name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`. */
function editDistance(a: string, b: string): number {
  const cell = (row: readonly number[], at: number) => row[at] ?? 0;
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = cell(above, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? cell(twoAbove, j - 2) + 1
        : Infinity;
      row.push(Math.min(cell(above, j) + 1, cell(row, j - 1) + 1, replaced, swapped));
    }
    twoAbove = above;
    above = row;
  }
  return cell(above, b.length);
}
