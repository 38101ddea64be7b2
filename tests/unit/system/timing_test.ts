/** Waiting. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { after, every, fulfilledWithin, pause } from "../../../lib/system/timing.ts";
import { keepAlive } from "../../helpers/keep_alive.ts";

Deno.test("after() acts once, after its time and not before", async () => {
  using _alive = keepAlive();
  const before = performance.now();
  let count = 0;
  await new Promise<void>((resolve) =>
    after(20, () => {
      count++;
      resolve();
    })
  );
  assert(performance.now() - before >= 19);
  await pause(30);
  assertEquals(count, 1);
});

Deno.test("after() acts in a later turn, when there is no time to wait", async () => {
  using _alive = keepAlive();
  const acted: string[] = [];
  await new Promise<void>((resolve) => {
    after(-5, () => {
      acted.push("after");
      resolve();
    });
    acted.push("call");
  });
  assertEquals(acted, ["call", "after"]);
});

Deno.test("after() does nothing, when it is called off", async () => {
  let acted = false;
  const cancel = after(1, () => acted = true);
  cancel();
  cancel();
  await pause(20);
  assertEquals(acted, false);
});

Deno.test("every() acts again and again, until it is called off", async () => {
  using _alive = keepAlive();
  let count = 0;
  await new Promise<void>((resolve) => {
    const cancel = every(2, () => {
      if (++count < 3) return;
      cancel();
      resolve();
    });
  });
  await pause(20);
  assertEquals(count, 3);
});

Deno.test("every() acts when the clock shows a multiple, and says how much later it is", async () => {
  using _alive = keepAlive();
  const acted: { readonly at: number; readonly lateMs: number }[] = [];
  await new Promise<void>((resolve) => {
    const cancel = every(50, (lateMs) => {
      acted.push({ at: Date.now(), lateMs });
      // What keeps the event loop busy makes the next one late, and the one after that is in time again.
      while (acted.length === 1 && Date.now() - (acted[0]?.at ?? 0) < 120);
      if (acted.length < 9) return;
      cancel();
      resolve();
    });
  });
  // A thread can be interrupted between two looks at the clock, but not in half of the cases.
  const off = acted.map(({ at, lateMs }) => (at - lateMs) % 50)
    .map((since) => Math.min(since, 50 - since)).sort((a, b) => a - b);
  assert((off[4] ?? NaN) < 3, `${off} ms from a multiple`);
  assert((acted[1]?.lateMs ?? 0) >= 60, `${acted[1]?.lateMs} ms too late`);
});

Deno.test("pauseInstance() resolves after its time and not before", async () => {
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
