/** The buckets of request times. */
import { assertEquals } from "@std/assert";
import {
  LATENCY_BOUNDS_US,
  LATENCY_BUCKETS,
  latencyBucket,
} from "../../../lib/shared_memory/latency_buckets.ts";

Deno.test("the bounds of the buckets ascend", () => {
  assertEquals([...LATENCY_BOUNDS_US].sort((a, b) => a - b), LATENCY_BOUNDS_US);
  assertEquals(new Set(LATENCY_BOUNDS_US).size, LATENCY_BUCKETS - 1);
});

Deno.test("latencyBucket() has a time that equals a bound in its bucket, and longer ones in the next", () => {
  assertEquals(latencyBucket(0), 0);
  LATENCY_BOUNDS_US.forEach((bound, i) => {
    assertEquals([latencyBucket(bound), latencyBucket(bound + 0.1)], [i, i + 1]);
  });
  assertEquals(latencyBucket(Infinity), LATENCY_BUCKETS - 1);
});
