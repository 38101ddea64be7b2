/** What happens not too often. */
import { assertEquals } from "@std/assert";
import { Throttle } from "../../../lib/master/throttle.ts";
import { pause } from "../../../lib/system/timing.ts";

Deno.test("Throttle acts at once, and once more for all who asked meanwhile", async () => {
  const acts: number[] = [];
  const throttle = new Throttle(20, (asked) => acts.push(asked));
  for (let i = 0; i < 1_000; i++) throttle.ask();
  assertEquals(acts, [1]);
  while (acts.length < 2) await pause(1);
  assertEquals(acts, [1, 999]);
  // Nobody has asked since.
  throttle.ask();
  while (acts.length < 3) await pause(1);
  assertEquals(acts, [1, 999, 1]);
});
