import { assertEquals } from "@std/assert";
import { namesOf } from "../../../../lib/config/kinds/option_row.ts";
import { OPTIONS } from "../../../../lib/config/options.ts";

Deno.test("namesOf() has the preferred name first", () => {
  assertEquals(namesOf(OPTIONS.processes), ["processes", "workers"]);
  assertEquals(namesOf(OPTIONS.listen), ["listen"]);
});
