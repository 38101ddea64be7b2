/** Lines that are written together. */
import { assertEquals } from "@std/assert";
import { LineBuffer } from "../../../../lib/worker/request_log/line_buffer.ts";

function buffer(): { readonly lines: LineBuffer; readonly writes: (readonly string[])[] } {
  const writes: (readonly string[])[] = [];
  return { lines: new LineBuffer((lines) => writes.push(lines)), writes };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("lines of one turn of the event loop are one write", async () => {
  const { lines, writes } = buffer();
  lines.add("a");
  lines.add("b");
  assertEquals(writes, []);
  await nextTurn();
  lines.add("c");
  await nextTurn();
  await nextTurn();
  assertEquals(writes, [["a", "b"], ["c"]]);
});

Deno.test("many lines do not wait, and all are written once and in order", async () => {
  const { lines, writes } = buffer();
  const all = Array.from({ length: 1000 }, (_, i) => String(i));
  for (const line of all) lines.add(line);
  assertEquals(writes.length, 7);
  lines.flush();
  await nextTurn();
  await nextTurn();
  assertEquals(writes.flat(), all);
});
