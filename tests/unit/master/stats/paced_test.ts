import { assertEquals } from "@std/assert";
import { CoalescedReader } from "../../../../lib/master/stats/paced.ts";

Deno.test("Paced.next() reads once for all who ask at the same time, and anew for who asks later", async () => {
  let reads = 0;
  const paced = new CoalescedReader(() => ++reads);
  assertEquals(await Promise.all([paced.next(), paced.next(), paced.next()]), [1, 1, 1]);
  assertEquals(await paced.next(), 2);
});
