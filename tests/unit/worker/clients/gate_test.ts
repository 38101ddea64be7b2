/** When a worker has too many clients. */
import { assert, assertEquals } from "@std/assert";
import { fewEnough, mostConnections, nextLookMs } from "../../../../lib/worker/clients/gate.ts";

Deno.test("without an option, clients have what is left of 80 % of the descriptors", () => {
  assertEquals(mostConnections(0, 1024, 40, 1), 779);
  assertEquals(mostConnections(0, Infinity, 40, 1), Infinity);
  assertEquals(mostConnections(0, 40, 40, 1), 1);
  assertEquals(mostConnections(0, 1000, 200, 3), 200);
  assertEquals(mostConnections(500, 40, 40, 1), 500);
});

Deno.test("a worker accepts again when some have gone", () => {
  for (const most of [1, 2, 3, 10, 1000]) {
    assert(fewEnough(most) < most);
    assert(fewEnough(most) >= 0);
  }
  assertEquals(fewEnough(1000), 900);
});

Deno.test("the nearer the limit, the more often somebody looks", () => {
  assertEquals(nextLookMs(49, 100), 1_000);
  assertEquals(nextLookMs(50, 100), 100);
  assertEquals(nextLookMs(50, Infinity), 1_000);
});
