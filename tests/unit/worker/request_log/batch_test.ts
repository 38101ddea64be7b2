/** Items that are written together. */
import { assertEquals } from "@std/assert";
import { Batch } from "../../../../lib/worker/request_log/batch.ts";

function batch(): { readonly items: Batch<string>; readonly writes: (readonly string[])[] } {
  const writes: (readonly string[])[] = [];
  return { items: new Batch((items) => writes.push(items)), writes };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("items of one turn of the event loop are one write", async () => {
  const { items, writes } = batch();
  items.add("a");
  items.add("b");
  assertEquals(writes, []);
  await nextTurn();
  items.add("c");
  await nextTurn();
  await nextTurn();
  assertEquals(writes, [["a", "b"], ["c"]]);
});

Deno.test("many items do not wait, and all are written once and in order", async () => {
  const { items, writes } = batch();
  const all = Array.from({ length: 1000 }, (_, i) => String(i));
  for (const item of all) items.add(item);
  assertEquals(writes.length, 7);
  items.flush();
  await nextTurn();
  await nextTurn();
  assertEquals(writes.flat(), all);
});
