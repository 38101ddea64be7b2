/** What each algorithm does with patterns of load. */
import { assertEquals } from "@std/assert";
import { ALGORITHMS } from "../../../../lib/core/scaling/algorithms.ts";
import { OPTIONS } from "../../../../lib/config/options.ts";
import { ScalingSimulation, SETTINGS } from "../../../helpers/scaling.ts";

function simulate(more: Partial<typeof SETTINGS>, processes = 6): ScalingSimulation {
  return new ScalingSimulation({ ...SETTINGS, ...more }, processes);
}

Deno.test("the algorithms are those that cheaper-algo knows", () => {
  const { kind } = OPTIONS.cheaperAlgo;
  const origin = { file: "a.ini", line: 1 };
  for (const name of Object.keys(ALGORITHMS)) {
    assertEquals(kind.add("spare", { name: "cheaper-algo", value: name, origin }) as string, name);
  }
  assertEquals(OPTIONS.cheaperAlgo.argument, Object.keys(ALGORITHMS).join("|"));
});

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

Deno.test("manual leaves everything as it is", () => {
  assertEquals(simulate({ algorithm: "manual", initial: 3 }).run(50, { load: 9 })[49], 3);
});
