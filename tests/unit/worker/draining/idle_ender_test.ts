/** How a worker that leaves shares its time between its clients and the end of idle connections. */
import { assertEquals } from "@std/assert";
import { lingerMs, restMs } from "../../../../lib/worker/draining/idle_ender.ts";

Deno.test("looking takes a fifth of the time, and half of it while there are connections to be ended", () => {
  assertEquals(100 / (100 + restMs(100, 0)), 0.2);
  assertEquals([restMs(100, 1), restMs(100, 9)], [100, 100]);
});

Deno.test("a connection that was ended waits the longer for its client, the slower the worker leaves", () => {
  const pace = (idleMs: number) => lingerMs({ idleMs, lastingMs: null });
  assertEquals([100, 3_000, 60_000].map(pace), [500, 1_000, 2_000]);
});
