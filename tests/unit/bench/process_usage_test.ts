/** How /proc is read for the benches. */
import { assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { cpuSeconds, cpuSecondsOf, memory, memoryOf } from "../../../bench/process_usage.ts";

Deno.test("cpuSecondsOf() takes the time on a processor, not that of waiting for one", () => {
  assertAlmostEquals(cpuSecondsOf("1680000001 5000000000 42\n"), 1.680000001);
  assertThrows(() => cpuSecondsOf("1680000001"), RangeError);
  assertThrows(() => cpuSecondsOf("0.5 1 2"), RangeError);
});

Deno.test("cpuSeconds() of this process grows, when it works", () => {
  const before = cpuSeconds(Deno.pid);
  assertGreater(before, 0);
  const end = performance.now() + 50;
  while (performance.now() < end);
  assertGreater(cpuSeconds(Deno.pid), before);
});

Deno.test("memoryOf() tells megabytes of 1,000,000 bytes", () => {
  const text = "00400000-7fff [rollup]\nRss:   1000 kB\nPss:   500 kB\nPss_Dirty: 7 kB\n" +
    "Anonymous:        250 kB\n";
  assertEquals(memoryOf(text), { rss: 1.024, pss: 0.512, anonymous: 0.256 });
  assertThrows(() => memoryOf("Rss: 1 kB\nPss: 1 kB\n"), RangeError, "No Anonymous");
});

Deno.test("memory() of this process has its parts in proportion", () => {
  const { rss, pss, anonymous } = memory(Deno.pid);
  assertGreater(rss, pss);
  assertGreater(pss, 1);
  assertGreater(rss, anonymous);
});
