/** The kernel's clock. */
import { assert } from "@std/assert";
import { requireLibc } from "../../../lib/system/libc.ts";
import { monotonicMicroseconds } from "../../../lib/system/monotonic_clock.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
const c = requireLibc();

Deno.test("monotonicMicroseconds() goes on, and is not ahead of the machine's uptime", () => {
  const first = monotonicMicroseconds(c);
  const second = monotonicMicroseconds(c);
  // /proc/uptime also counts the time in which the machine slept.
  const uptime = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]) * 1e6;
  assert(first > 0n && second >= first);
  assert(Number(first) < uptime + 1e6);
});
