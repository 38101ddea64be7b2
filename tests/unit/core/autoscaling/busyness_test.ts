import { assertEquals } from "@std/assert";
import { SETTINGS, simulate } from "../../../helpers/scaling.ts";

Deno.test("busyness judges at the end of each window, by the average", () => {
  const simulation = simulate({ algorithm: "busyness", initial: 2 });
  // 2 × 80 and 1 × 0 percent of two workers: 53 percent on average.
  assertEquals([1.6, 1.6, 0].map((load) => simulation.second({ load })), [2, 2, 3]);
  assertEquals(simulation.run(3, { load: 1.4 }), [3, 3, 3]);
});

Deno.test("busyness lets one go after cheaper-busyness-multiplier windows below the minimum", () => {
  const simulation = simulate({ algorithm: "busyness", initial: 3 });
  assertEquals(simulation.run(29, { load: 0.3 }).every((workers) => workers === 3), true);
  assertEquals(simulation.second({ load: 0.3 }), 2);
});

Deno.test("busyness waits longer, when whom it sent away was needed again soon", () => {
  const busyness = { ...SETTINGS.busyness, multiplier: 2, penalty: 3 };
  const simulation = simulate({ algorithm: "busyness", initial: 2, overload: 1, busyness });
  assertEquals(simulation.run(2, { load: 0.1 }), [2, 1]);
  assertEquals(simulation.run(1, { load: 0.9 }), [2]);
  // 2 windows and 3 for the mistake.
  assertEquals(simulation.run(5, { load: 0.1 }), [2, 2, 2, 2, 1]);
  // Nobody missed it for longer than that: the penalty is taken back.
  simulation.run(7, { load: 0.3 });
  assertEquals(simulation.run(1, { load: 0.9 }), [2]);
  assertEquals(simulation.run(2, { load: 0.1 }), [2, 1]);
});

Deno.test("busyness adds emergency workers at once, and lets them go sooner", () => {
  const busyness = { ...SETTINGS.busyness, alertStep: 2, alertMultiplier: 2 };
  const simulation = simulate({ algorithm: "busyness", busyness, overload: 2 });
  assertEquals(simulation.second({ load: 1.5 }), 3);
  assertEquals(
    simulation.decisions[0]?.type === "want" && simulation.decisions[0].why,
    "50 connections wait",
  );
  assertEquals(simulation.run(9, { load: 0.1 }), [3, 3, 3, 2, 2, 2, 2, 1, 1]);
});

Deno.test("busyness adds an emergency worker, when queues are not empty for long", () => {
  const busyness = { ...SETTINGS.busyness, nonzeroSeconds: 4 };
  const simulation = simulate({ algorithm: "busyness", busyness, overload: 60 });
  assertEquals(simulation.run(5, { load: 1.05 }), [1, 1, 1, 2, 2]);
});

Deno.test("busyness says what each window was like, when cheaper-busyness-verbose is on", () => {
  const busyness = { ...SETTINGS.busyness, verbose: true };
  const simulation = simulate({ algorithm: "busyness", initial: 2, overload: 2, busyness });
  simulation.run(4, { load: 0.6 });
  assertEquals(simulation.notes, [
    "2 workers were 30 percent busy",
    "2 workers were 30 percent busy",
  ]);
});
