import { assertEquals } from "@std/assert";
import { EventStream } from "../../../lib/api/event_stream.ts";

Deno.test("every listener gets what happens from when it came, until the end", async () => {
  const stream = new EventStream<number>();
  stream.put(1);
  const early = stream.listen();
  stream.put(2);
  const late = stream.listen();
  const waiting = late.next();
  stream.put(3);
  stream.close();
  assertEquals(await waiting, { done: false, value: 3 });
  assertEquals(await Array.fromAsync(early), [2, 3]);
  assertEquals(await Array.fromAsync(late), []);
  assertEquals(await Array.fromAsync(stream.listen()), []);
});

Deno.test("a listener that leaves the loop gets nothing more, and others go on", async () => {
  const stream = new EventStream<number>();
  const [leaving, staying] = [stream.listen(), stream.listen()];
  stream.put(1);
  stream.put(2);
  for await (const item of leaving) {
    assertEquals(item, 1);
    break;
  }
  stream.put(3);
  stream.close();
  assertEquals(await Array.fromAsync(leaving), []);
  assertEquals(await Array.fromAsync(staying), [1, 2, 3]);
});

Deno.test("a listener that does not listen loses the oldest, not the newest", async () => {
  const stream = new EventStream<number>();
  const slow = stream.listen();
  for (let i = 1; i <= 1500; i++) stream.put(i);
  stream.close();
  const got = await Array.fromAsync(slow);
  assertEquals([got.length, got[0], got.at(-1)], [1000, 501, 1500]);
});
