import { assertEquals } from "@std/assert";
import { simulate } from "../../../helpers/scaling.ts";

Deno.test("manual leaves everything as it is", () => {
  assertEquals(simulate({ algorithm: "manual", initial: 3 }).run(50, { load: 9 })[49], 3);
});
