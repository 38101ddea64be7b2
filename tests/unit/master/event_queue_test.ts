/** The queue of the master. */
import { assert, assertEquals } from "@std/assert";
import { EventQueue } from "../../../lib/master/event_queue.ts";
import { keepAlive } from "../../helpers/keep_alive.ts";

Deno.test("next() gives items in the order they were put, without waiting", async () => {
  const queue = new EventQueue<number>();
  [1, 2, 3].forEach((item) => queue.put(item));
  assertEquals([await queue.next(null), await queue.next(0), await queue.next(null)], [1, 2, 3]);
});

Deno.test("next() waits for an item, when the queue is empty", async () => {
  const queue = new EventQueue<string>();
  const next = queue.next(null);
  queue.put("a");
  queue.put("b");
  assertEquals([await next, await queue.next(null)], ["a", "b"]);
});

Deno.test("next() gives undefined at the deadline and not before, when nothing is put", async () => {
  using _alive = keepAlive();
  const queue = new EventQueue<number>();
  const deadline = performance.now() + 20;
  assertEquals(await queue.next(deadline), undefined);
  assert(performance.now() >= deadline - 1);
});

Deno.test("next() gives undefined soon, when the deadline is over already", async () => {
  using _alive = keepAlive();
  const queue = new EventQueue<number>();
  assertEquals(await queue.next(performance.now() - 1_000), undefined);
  assertEquals(await queue.next(0), undefined);
});

Deno.test("next() leaves no timer behind, when an item comes before a far deadline", async () => {
  const queue = new EventQueue<number>();
  const next = queue.next(performance.now() + 2 ** 40);
  const early = await Promise.race([next.then(() => true), Promise.resolve(false)]);
  assertEquals(early, false);
  queue.put(7);
  assertEquals(await next, 7);
});

Deno.test("next() loses no item, when it is put while the deadline passes", async () => {
  const queue = new EventQueue<number>();
  const got: (number | undefined)[] = [];
  for (let i = 0; i < 20; i++) {
    const put = new Promise<void>((resolve) =>
      setTimeout(() => {
        queue.put(i);
        resolve();
      }, 1)
    );
    got.push(await queue.next(performance.now() + 1));
    await put;
  }
  while (got.filter((item) => item !== undefined).length < 20) got.push(await queue.next(null));
  assertEquals(got.filter((item) => item !== undefined), Array.from({ length: 20 }, (_, i) => i));
});
