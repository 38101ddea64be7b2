import { assert, assertEquals } from "@std/assert";
import { processMemory } from "../../../../lib/system/process/process_memory.ts";

Deno.test("processMemory() tells bytes in RAM and of address space", () => {
  const own = processMemory(Deno.pid) ?? { rss: 0, as: 0 };
  // Deno says the same of itself, at another moment.
  const { rss } = Deno.memoryUsage();
  assert(own.rss > rss / 2 && own.rss < rss * 2, `${own.rss} and ${rss}`);
  assert(own.as > own.rss);
});

Deno.test("processMemory() is null, when there is no such process", () => {
  assertEquals(processMemory(2 ** 30), null);
});
