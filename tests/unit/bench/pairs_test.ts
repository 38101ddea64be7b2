/** How benches compare two things. */
import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { measurePairs, median, orderOfPair, ratioOf, type Side } from "../../../bench/pairs.ts";

Deno.test("orderOfPair() lets each side go first in turn", () => {
  assertEquals([0, 1, 2].map((pair) => orderOfPair(pair)[0]), ["ours", "theirs", "ours"]);
  for (const pair of [0, 1]) assertEquals(orderOfPair(pair).toSorted(), ["ours", "theirs"]);
});

Deno.test("measurePairs() measures both sides of each pair, in the order of the pair's number", async () => {
  const order: Side[] = [];
  const pairs = await measurePairs(
    3,
    (side) => Promise.resolve(order.push(side)),
    1,
  );
  assertEquals(order, ["theirs", "ours", "ours", "theirs", "theirs", "ours"]);
  assertEquals(pairs, [{ ours: 2, theirs: 1 }, { ours: 3, theirs: 4 }, { ours: 6, theirs: 5 }]);
});

Deno.test("measurePairs() fails, when a measurement does", async () => {
  await assertRejects(
    () => measurePairs(1, () => Promise.reject(new Error("gone"))),
    Error,
    "gone",
  );
});

Deno.test("median() is the middle, or the mean of the two in the middle", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([9, 1, 10]), 9);
  assertEquals(median([10, 1, 3, 2]), 2.5);
  assertThrows(() => median([]), RangeError);
});

Deno.test("median() leaves its argument as it is", () => {
  const values = [3, 1, 2];
  median(values);
  assertEquals(values, [3, 1, 2]);
});

Deno.test("ratioOf() takes the median of the ratios, not the ratio of the medians", () => {
  const ratio = ratioOf([
    { ours: 10, theirs: 10 },
    { ours: 30, theirs: 10 },
    { ours: 22, theirs: 20 },
  ]);
  assertAlmostEquals(ratio.median, 1.1);
  assertEquals(ratio, { median: ratio.median, min: 1, max: 3, pairs: 3, ours: 22, theirs: 10 });
});
