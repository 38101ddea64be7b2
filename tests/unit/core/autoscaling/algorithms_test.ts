import { assertEquals } from "@std/assert";
import { OPTIONS } from "../../../../lib/config/options.ts";
import { ALGORITHMS } from "../../../../lib/core/autoscaling/algorithms.ts";

Deno.test("the algorithms are those that cheaper-algo knows", () => {
  const { kind } = OPTIONS.cheaperAlgo;
  const origin = { file: "a.ini", line: 1 };
  for (const name of Object.keys(ALGORITHMS)) {
    assertEquals(kind.add("spare", { name: "cheaper-algo", value: name, origin }) as string, name);
  }
  assertEquals(OPTIONS.cheaperAlgo.argument, Object.keys(ALGORITHMS).join("|"));
});
