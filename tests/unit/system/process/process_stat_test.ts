/** Processes, in the words of proc(5). */
import { assertEquals } from "@std/assert";
import { parseStat, statOf } from "../../../../lib/system/process/process_stat.ts";

const STAT = "77 (sh) S 1 70 69 0 -1 4227084 0 0 0 0 42 15 0 0 20 0 1 0 4711 0 0";

Deno.test("parseStat() reads where a process belongs, behind any name", () => {
  const read = { pid: 77, state: "S", parent: 1, session: 69, startedAt: "4711", cpuTicks: 57 };
  assertEquals(parseStat(STAT), read);
  assertEquals(parseStat(STAT.replace("sh", ") R 2 (x")), read);
});

Deno.test("parseStat() is null for what is no process", () => {
  assertEquals(parseStat(""), null);
  assertEquals(parseStat("77 (sh)"), null);
});

Deno.test("statOf() sees this process, and null where there is none", () => {
  assertEquals(statOf(Deno.pid)?.pid, Deno.pid);
  assertEquals(statOf(0), null);
});
