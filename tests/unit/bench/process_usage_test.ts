/** How /proc is read for the benches. */
import { assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { cpuSeconds, cpuSecondsOf, memory, memoryOf } from "../../../bench/process_usage.ts";

Deno.test("cpuSecondsOf() adds user and system time, whatever the process is called", () => {
  const rest = "S 1 2 3 4 5 6 7 8 9 10 123 45 0 0 20 0 7 0 100";
  assertAlmostEquals(cpuSecondsOf(`42 (deno) ${rest}`), 1.68);
  assertAlmostEquals(cpuSecondsOf(`42 (a) b) 9 9 (c) ${rest}`), 1.68);
  assertThrows(() => cpuSecondsOf("42 (deno) S"), RangeError);
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
