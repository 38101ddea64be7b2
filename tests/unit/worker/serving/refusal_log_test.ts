/** Refusals in the log. */
import { assertEquals } from "@std/assert";
import { RefusalLines } from "../../../../lib/worker/serving/refusal_log.ts";

Deno.test("the first refusal is told at once, the ones behind it in the next line", () => {
  const written: string[] = [];
  let now = 5;
  const lines = new RefusalLines((line) => written.push(line), () => now);
  lines.add({ message: "a" });
  now += 9_999;
  lines.add({ message: "b" });
  lines.add({ message: "c" });
  now += 1;
  lines.add({ message: "d" });
  now += 10_000;
  lines.add({ message: "e" });
  assertEquals(written, [
    "Refused a connection of a proxy: a",
    "Refused a connection of a proxy: d (and 2 more since the last such line)",
    "Refused a connection of a proxy: e",
  ]);
});
