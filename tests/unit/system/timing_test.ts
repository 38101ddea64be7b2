/** Waiting. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fulfilledWithin, pause } from "../../../lib/system/timing.ts";

Deno.test("pause() resolves after its time and not before", async () => {
  const before = performance.now();
  await pause(20);
  assert(performance.now() - before >= 19);
});

Deno.test("fulfilledWithin() is true, when the promise was fulfilled in time", async () => {
  assertEquals(await fulfilledWithin(Promise.resolve(), 60_000), true);
  assertEquals(await fulfilledWithin(Promise.resolve(), 0), true);
});

Deno.test("fulfilledWithin() is false, when the promise takes longer", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(await fulfilledWithin(promise, 1), false);
  resolve();
});

Deno.test("fulfilledWithin() rejects, when the promise does", async () => {
  await assertRejects(
    () => fulfilledWithin(Promise.reject(new RangeError("test")), 60_000),
    RangeError,
  );
});
