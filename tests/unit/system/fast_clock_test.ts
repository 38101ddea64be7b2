/** The compiled clock. */
import { assert } from "@std/assert";
import { fastClock } from "../../../lib/system/fast_clock.ts";

Deno.test({
  name: "fastClock() goes on where performance.now() is, in microseconds",
  // A compiled function stays for as long as its process.
  sanitizeResources: false,
  fn() {
    const clock = fastClock();
    if (clock === null) throw new Error("foreign functions are not available");
    let last = -Infinity;
    for (let i = 0; i < 1_000; i++) {
      const [before, time, after] = [performance.now() * 1000, clock(), performance.now() * 1000];
      // Both clocks tell whole fractions of a microsecond, and not the same ones.
      assert(time > before - 1_000 && time < after + 1_000, `${before} ${time} ${after}`);
      assert(time >= last);
      last = time;
    }
  },
});
