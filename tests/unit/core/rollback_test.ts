/** Reloads that go back, and what those who wait for them are told. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ofType, spawns } from "../../helpers/effects.ts";
import { Simulation } from "../../helpers/simulation.ts";

const VERIFY_MS = 1_000;

function running(processes: number): Simulation {
  return Simulation.running({
    processes,
    rollback: true,
    verifyMs: VERIFY_MS,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  });
}

/** The outcomes of the verdicts so far, with who got them. */
function verdicts(simulation: Simulation): readonly unknown[] {
  return ofType(simulation.effects, "verdict").map(({ tickets, verdict }) => [
    ...tickets,
    verdict.outcome,
  ]);
}

Deno.test("step() keeps old workers on standby, until the whole chain is through", () => {
  const simulation = running(2);
  simulation.reload("chain", 7);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, [
    "1: g1 standby",
    "1: g2 accepting",
    "2: g1 accepting",
    "2: g2 starting",
  ]);
  simulation.accept(simulation.newest(2));
  assertEquals(verdicts(simulation), []);
  assertEquals(simulation.state.generation, 1);
  simulation.advance(VERIFY_MS);
  assertEquals(verdicts(simulation), [[7, "done"]]);
  assertEquals(simulation.state.generation, 2);
  assertEquals(simulation.workers, [
    "1: g1 retiring",
    "1: g2 accepting",
    "2: g1 retiring",
    "2: g2 accepting",
  ]);
});

Deno.test("step() recalls the standbys, when a later slot fails to start", () => {
  const simulation = running(3);
  const old = simulation.newest(1);
  simulation.reload("chain", 1);
  simulation.accept(simulation.newest(1));
  const effects = simulation.exit(simulation.newest(2), "exited with code 1", "SyntaxError: no");
  assertEquals(ofType(effects, "recall").map(({ worker }) => worker), [old.id]);
  assertEquals(verdicts(simulation), []);
  simulation.accept(old);
  assertEquals(verdicts(simulation), [[1, "rolled-back"]]);
  assertEquals(simulation.workers, [
    "1: g1 accepting",
    "1: g2 retiring",
    "2: g1 accepting",
    "3: g1 accepting",
  ]);
  assertEquals(simulation.state.generation, 1);
  const [{ verdict } = { verdict: null }] = ofType(simulation.effects, "verdict");
  assertEquals(verdict?.failures.map(({ slot }) => slot), [2]);
  assertStringIncludes(verdict?.text ?? "", "SyntaxError: no");
  // Nothing has changed, so there is no slot to name.
  assertEquals([verdict?.outcome, verdict?.slots], ["rolled-back", []]);
});

Deno.test("step() goes back, when a new worker dies before it has lived long enough", () => {
  const simulation = running(2);
  const [first, second] = [simulation.newest(1), simulation.newest(2)];
  simulation.reload("chain", 1);
  simulation.accept(simulation.newest(1));
  simulation.accept(simulation.newest(2));
  simulation.advance(VERIFY_MS - 1);
  simulation.exit(simulation.newest(1));
  assertEquals(
    [first, second].map(({ id }) =>
      simulation.state.workers.find((worker) => worker.id === id)?.state
    ),
    ["recalled", "recalled"],
  );
  simulation.accept(first);
  simulation.accept(second);
  assertEquals(verdicts(simulation), [[1, "rolled-back"]]);
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
});

Deno.test("step() keeps the new worker of a slot, when its standby is gone", () => {
  const simulation = running(2);
  simulation.reload("chain", 1);
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.oldest(1));
  simulation.exit(simulation.newest(2));
  assertEquals(verdicts(simulation), [[1, "failed"]]);
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g1 accepting"]);
});

Deno.test("step() keeps the new worker, when its standby does not answer", () => {
  const simulation = running(2);
  simulation.reload("chain", 1);
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  assertEquals(verdicts(simulation), []);
  simulation.advance(10_000);
  assertEquals(verdicts(simulation), [[1, "failed"]]);
  assertEquals(simulation.workers, [
    "1: g1 killed",
    "1: g2 accepting",
    "2: g1 accepting",
  ]);
});

Deno.test("step() goes back in all slots, when one slot of a reload of everything fails", () => {
  const simulation = running(3);
  simulation.configuration = { ...simulation.state.settings, processes: 4 };
  simulation.reload("all", 5);
  assertEquals(spawns(simulation.effects).length, 4);
  simulation.accept(simulation.newest(1));
  simulation.accept(simulation.newest(4));
  simulation.exit(simulation.newest(2));
  simulation.accept(simulation.oldest(1));
  assertEquals(verdicts(simulation), [[5, "rolled-back"]]);
  assertEquals(simulation.state.settings.processes, 3);
  // Slot 4 has a queue now, and nobody else its socket: worker 1 is replaced by one that has.
  simulation.acceptAll();
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting", "3: g1 accepting"]);
  assertEquals(Object.keys(simulation.state.coverage), ["4"]);
});

Deno.test("step() kills the old workers and keeps no standby, when the reload is brutal", () => {
  const simulation = running(1);
  simulation.happen({ type: "reload", kind: "workers", why: "R", brutal: true });
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, ["1: g1 killed", "1: g2 accepting"]);
});

Deno.test("step() tells everybody who waits, when their reloads were made one", () => {
  const simulation = running(1);
  simulation.reload("chain", 1);
  simulation.reload("chain", 2);
  simulation.reload("all", 3);
  simulation.accept(simulation.newest(1));
  simulation.advance(VERIFY_MS);
  simulation.exitLeaving();
  simulation.accept(simulation.newest(1));
  simulation.advance(VERIFY_MS);
  assertEquals(verdicts(simulation), [[1, "done"], [2, 3, "done"]]);
});

Deno.test("step() tells those who wait that nothing comes of it, when the instance stops", () => {
  const simulation = running(1);
  simulation.reload("chain", 1);
  simulation.reload("chain", 2);
  simulation.stop();
  simulation.reload("chain", 3);
  assertEquals(verdicts(simulation), [[1, 2, "cancelled"], [3, "cancelled"]]);
});

Deno.test("step() retires everybody once, when a stop comes while it goes back", () => {
  const simulation = running(2);
  simulation.reload("chain");
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  simulation.stop();
  assertEquals(new Set(simulation.state.workers.map(({ state }) => state)), new Set(["retiring"]));
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "stopped");
});
