import { assertEquals } from "@std/assert";
import { renamedName, renamedNames } from "../../../../lib/system/files/renamed_files.ts";

Deno.test("renamedNames() are those that a rotation gives, from the oldest on", () => {
  const own = [
    renamedName("app.log", 1_700_000_000, 1),
    renamedName("app.log", 1_700_000_000, 2),
    renamedName("app.log", 1_700_000_000, 10),
    renamedName("app.log", 1_800_000_000, 1),
  ];
  const others = [
    "app.log",
    "app.log.1",
    "app.log.12345678",
    "app.log.1700000000.gz",
    "app.log.1700000000.1",
    "app.log.01700000000",
    "app.log.1700000000.2.3",
    "xapp.log.1700000000",
    "app_log.1700000000",
  ];
  assertEquals(renamedNames([...others, ...own.toReversed()], "app.log"), own);
});
