/** How often a service manager wants to hear of the master. */
import { assertEquals } from "@std/assert";
import { watchdogMs } from "../../../../lib/master/service_manager/service_manager.ts";

Deno.test("watchdogMs() is half of WATCHDOG_USEC, for the process that is watched", () => {
  assertEquals(watchdogMs("30000000", undefined, 7), 15_000);
  assertEquals(watchdogMs("30000000", "7", 7), 15_000);
  assertEquals(watchdogMs("30000000", "8", 7), null);
  assertEquals(watchdogMs("30000000", "", 7), null);
  for (const text of ["", "0", "-1", "1.5", "x"]) assertEquals(watchdogMs(text, "7", 7), null);
});
