import { assertEquals } from "@std/assert";
import { quantile } from "../../../lib/stats/quantile.ts";

Deno.test("a quantile lies within the bucket of its request, by how far it is into it", () => {
  assertEquals(quantile([10, 20, 40], [0, 4, 0, 0], 0.5), 15);
  assertEquals(quantile([10, 20, 40], [2, 0, 2, 0], 0.5), 10);
  assertEquals(quantile([10, 20, 40], [2, 0, 2, 0], 1), 40);
  assertEquals(quantile([10, 20, 40], [99, 0, 1, 0], 0.99), 10);
});

Deno.test("a quantile beyond the last bound is the last bound, and of nothing there is none", () => {
  assertEquals(quantile([10, 20], [1, 0, 9], 0.5), 20);
  assertEquals(quantile([10, 20], [0, 0, 0], 0.5), null);
  assertEquals(quantile([], [], 0.5), null);
});
