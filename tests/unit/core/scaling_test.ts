/** More and fewer workers, pauses, and a master that stood still. */
import { assertEquals } from "@std/assert";
import { ofType, spawns } from "../../helpers/effects.ts";
import { Simulation } from "../../helpers/simulation.ts";

Deno.test("step() fills new slots and empties the last ones, when it is told to scale", () => {
  const simulation = Simulation.running({ processes: 2 });
  assertEquals(
    spawns(simulation.happen({ type: "scale", processes: 4, why: "test" })),
    ["3: g1", "4: g1"],
  );
  simulation.acceptAll();
  simulation.happen({ type: "scale", processes: 3, why: "test" });
  // Workers 1 and 2 do not have the sockets of slot 4, worker 3 has them.
  assertEquals(simulation.workers.at(-1), "4: g1 retiring");
  assertEquals(simulation.state.coverage, { 4: simulation.newest(3).id });
});

Deno.test("step() replaces a sibling first, when nobody else has the sockets of a slot that goes", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.happen({ type: "scale", processes: 2, why: "test" });
  simulation.acceptAll();
  simulation.happen({ type: "scale", processes: 1, why: "test" });
  assertEquals(simulation.workers, ["1: g1 accepting", "1: g1 starting", "2: g1 accepting"]);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g1 accepting", "2: g1 retiring"]);
  assertEquals(simulation.state.coverage, { 2: simulation.newest(1).id });
});

Deno.test("step() refuses fewer workers, when a script serves sockets in its own way", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.accept(simulation.newest(1), true, false);
  simulation.happen({ type: "scale", processes: 1, why: "test", ticket: 9 });
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  assertEquals(ofType(simulation.effects, "verdict")[0]?.verdict.outcome, "failed");
});

Deno.test("step() starts no worker and is ready, when none is wanted yet", () => {
  const simulation = new Simulation({ processes: 2, want: 0 });
  simulation.happen({ type: "start" });
  assertEquals([simulation.workers, simulation.outcome], [[], null]);
  assertEquals(simulation.state.ready, true);
  simulation.happen({ type: "want", workers: 2, why: "a connection" });
  simulation.acceptAll();
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  simulation.happen({ type: "want", workers: 0, why: "idle" });
  simulation.exitLeaving();
  assertEquals(simulation.workers, []);
  simulation.reload("chain", 1);
  assertEquals(ofType(simulation.effects, "verdict")[0]?.verdict.outcome, "done");
});

Deno.test("step() asks everybody to stand aside, and to come back, when it pauses and resumes", () => {
  const simulation = Simulation.running({ processes: 2 });
  const paused = simulation.happen({ type: "pause", on: true, why: "test" });
  assertEquals(ofType(paused, "standBy").map(({ drain }) => drain), [false, false]);
  for (const slot of [1, 2]) simulation.accept(simulation.newest(slot), false);
  const resumed = simulation.happen({ type: "pause", on: false, why: "test" });
  assertEquals(ofType(resumed, "recall").length, 2);
});

Deno.test("step() tells everybody again, when it resumes before anybody has said to stand aside", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.happen({ type: "pause", on: true, why: "test" });
  const resumed = simulation.happen({ type: "pause", on: false, why: "test" });
  assertEquals(ofType(resumed, "recall").length, 2);
  for (const slot of [1, 2]) simulation.accept(simulation.newest(slot), false);
  const again = simulation.happen({ type: "pause", on: true, why: "test" });
  assertEquals(ofType(again, "standBy").length, 2);
});

Deno.test("step() lets no deadline pass, when the master itself stood still", () => {
  const simulation = new Simulation({ startTimeoutMs: 1_000 });
  simulation.happen({ type: "start" });
  simulation.happen({ type: "overslept", ms: 5_000 });
  simulation.advance(1_500);
  assertEquals(simulation.workers, ["1: g1 starting"]);
});
