import { assertEquals } from "@std/assert";
import { simulate } from "../../../helpers/scaling.ts";

Deno.test("spare adds after more than cheaper-overload seconds in which all were busy", () => {
  const simulation = simulate({});
  assertEquals(simulation.run(5, { load: 9 }), [1, 1, 1, 2, 2]);
  assertEquals(simulation.decisions[0], {
    type: "want",
    workers: 2,
    why: "all have been busy for 4 s",
    second: 4,
  });
});

Deno.test("spare starts to count anew, when somebody was free", () => {
  const simulation = simulate({});
  simulation.run(3, { load: 9 });
  simulation.run(1, { load: 0.9 });
  assertEquals(simulation.run(4, { load: 9 }), [1, 1, 1, 2]);
});

Deno.test("spare keeps a free worker, and lets the next one go", () => {
  const simulation = simulate({ cheaper: 2, initial: 6 });
  assertEquals(simulation.run(20, { load: 1.2 }).at(-1), 3);
  // Nobody asks for anything: one after the other, down to the least.
  assertEquals(simulation.run(12, { load: 0 }), [3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});

Deno.test("cheaper-step adds several at once, up to processes", () => {
  const simulation = simulate({ step: 4 });
  assertEquals(simulation.run(8, { load: 9 }), [1, 1, 1, 5, 5, 5, 5, 6]);
});
