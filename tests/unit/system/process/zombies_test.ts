/** Zombies, in the words of proc(5). */
import { assertEquals } from "@std/assert";
import { parseStat } from "../../../../lib/system/process/process_stat.ts";
import { zombieIn } from "../../../../lib/system/process/zombies.ts";

const STAT = "77 (sh) Z 1 70 70 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";

Deno.test("zombieIn() reads pid and start of a child that has ended", () => {
  assertEquals(zombieIn(parseStat(STAT), 1), { pid: 77, startedAt: "4711" });
  assertEquals(zombieIn(parseStat(STAT.replace("sh", ") R 2 (x")), 1), {
    pid: 77,
    startedAt: "4711",
  });
});

Deno.test("zombieIn() is null for the living, for children of others, and for nothing", () => {
  assertEquals(zombieIn(parseStat(STAT), 2), null);
  assertEquals(zombieIn(parseStat(STAT.replace(" Z ", " S ")), 1), null);
  assertEquals(zombieIn(null, 1), null);
});
