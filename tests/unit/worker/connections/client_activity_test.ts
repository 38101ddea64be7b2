/** What clients are doing. */
import { assertEquals } from "@std/assert";
import { together } from "../../../../lib/worker/connections/client_activity.ts";

Deno.test("connections that share a name are as busy as the busiest of them", () => {
  assertEquals(together(), "free");
  assertEquals(together("free", "lasting"), "lasting");
  assertEquals(together("reading", "lasting"), "reading");
  assertEquals(together("reading", "busy"), "busy");
});
