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

/** What came of it for somebody who waits with this ticket, so far. */
function verdicts(simulation: Simulation, ticket = 9) {
  return ofType(simulation.effects, "verdict").filter(({ tickets }) => tickets.includes(ticket))
    .map(({ verdict }) => [verdict.outcome, verdict.text]);
}

Deno.test("step() calls a scale done when the added workers accept, not before", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.happen({ type: "scale", processes: 3, why: "test", ticket: 9 });
  simulation.accept(simulation.newest(2));
  assertEquals(verdicts(simulation), []);
  simulation.accept(simulation.newest(3));
  assertEquals(verdicts(simulation), [["done", "3 workers from now on"]]);
  simulation.happen({ type: "scale", processes: 1, why: "test", ticket: 10 });
  assertEquals(verdicts(simulation, 10), [["done", "1 worker from now on"]]);
});

Deno.test("step() goes back to the number before, when an added worker fails; the others stay", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.happen({ type: "scale", processes: 5, why: "test", ticket: 9 });
  simulation.accept(simulation.newest(3));
  simulation.exit(simulation.newest(4), "exited with code 1", "Error: no database");
  const why = "exited with code 1 before it accepted: Error: no database";
  assertEquals(verdicts(simulation), [[
    "failed",
    `Scaling from 2 to 5 failed: worker 4 ${why}. It stays at 2 workers`,
  ]]);
  assertEquals(simulation.state.settings.processes, 2);
  assertEquals(
    [simulation.oldest(1).state, simulation.oldest(2).state],
    ["accepting", "accepting"],
  );
  simulation.exitLeaving();
  simulation.acceptAll();
  simulation.exitLeaving();
  simulation.advance(100_000);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  // Another try is not punished for the first one.
  simulation.happen({ type: "scale", processes: 4, why: "test", ticket: 10 });
  simulation.acceptAll();
  assertEquals(verdicts(simulation, 10), [["done", "4 workers from now on"]]);
});

Deno.test("step() gives up a scale whose workers do not start in time, or that a stop ends", () => {
  const late = Simulation.running({ processes: 1, startTimeoutMs: 1_000 });
  late.happen({ type: "scale", processes: 2, why: "test", ticket: 9 });
  late.advance(1_000);
  assertEquals(verdicts(late).map(([outcome]) => outcome), ["failed"]);
  const stopped = Simulation.running({ processes: 1 });
  stopped.happen({ type: "scale", processes: 2, why: "test", ticket: 9 });
  stopped.stop();
  assertEquals(verdicts(stopped).map(([outcome]) => outcome), ["cancelled"]);
});

Deno.test("step() answers a scale at once, when no worker is wanted", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.happen({ type: "want", workers: 0, why: "cheap" });
  simulation.happen({ type: "scale", processes: 2, why: "test", ticket: 9 });
  assertEquals(verdicts(simulation), [[
    "done",
    "2 workers from now on, once a connection comes",
  ]]);
});

Deno.test("step() keeps a worker that accepts in an added slot, when nobody could take its queue", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.accept(simulation.newest(1), true, false);
  simulation.happen({ type: "scale", processes: 3, why: "test", ticket: 9 });
  simulation.accept(simulation.newest(2), true, false);
  simulation.exit(simulation.newest(3));
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  assertEquals(simulation.state.settings.processes, 2);
});
