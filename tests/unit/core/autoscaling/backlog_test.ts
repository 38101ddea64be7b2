import { assertEquals } from "@std/assert";
import { simulate } from "../../../helpers/scaling.ts";

Deno.test("backlog adds at once when more connections wait than cheaper-overload", () => {
  const simulation = simulate({ algorithm: "backlog" });
  assertEquals(simulation.second({ load: 1.03 }), 1);
  assertEquals(simulation.second({ load: 1.04 }), 2);
  assertEquals(
    simulation.decisions[0]?.type === "want" && simulation.decisions[0].why,
    "4 connections wait",
  );
});

Deno.test("backlog lets one go after ten seconds without a queue", () => {
  const simulation = simulate({ algorithm: "backlog", initial: 2 });
  assertEquals(simulation.run(11, { load: 0.2 }), [2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
});
