import { assertEquals } from "@std/assert";
import { bucketsSince, sumOfBuckets } from "../../../lib/top/latency.ts";

Deno.test("bucketsSince() is what came between, if it is the same histogram", () => {
  assertEquals(bucketsSince([1, 2, 3], [1, 4, 3]), [0, 2, 0]);
  assertEquals(bucketsSince([1, 2, 3], [1, 1, 9]), null);
  assertEquals(bucketsSince([1, 2], [1, 2, 3]), null);
});

Deno.test("sumOfBuckets() adds bucket by bucket", () => {
  assertEquals(sumOfBuckets([[1, 2], [3, 4], [5, 6]]), [9, 12]);
  assertEquals(sumOfBuckets([]), []);
});
