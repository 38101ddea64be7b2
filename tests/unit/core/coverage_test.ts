/** Who accepts for a slot without a worker. */
import { assertEquals } from "@std/assert";
import { decideCoverage } from "../../../lib/core/coverage.ts";
import type { Worker } from "../../../lib/core/state.ts";
import { ofType } from "../../helpers/effects.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";
import { Simulation } from "../../helpers/simulation.ts";

const SLOTS = [1, 2, 3, 4].map((number) => slotOf({ number }));

function coverageOf(
  workers: readonly Partial<Worker>[],
  coverage: Record<number, number> = {},
): Record<number, number> {
  return decideCoverage(
    stateOf({ slots: SLOTS, workers: workers.map((part) => workerOf(part)), coverage }),
  );
}

Deno.test("decideCoverage() is empty, when every open slot has an accepting worker", () => {
  assertEquals(coverageOf([1, 2, 3, 4].map((slot) => ({ id: slot, slot }))), {});
});

Deno.test("decideCoverage() is empty, when the slots share their sockets", () => {
  const state = stateOf({ slots: SLOTS, workers: [workerOf()], socketPerSlot: false });
  assertEquals(decideCoverage(state), {});
});

Deno.test("decideCoverage() is empty, when nobody accepts", () => {
  assertEquals(coverageOf([{ state: "starting" }, { id: 2, slot: 2, state: "retiring" }]), {});
});

Deno.test("decideCoverage() leaves slots alone that never had an accepting worker", () => {
  const slots = [slotOf(), slotOf({ number: 2, opened: false })];
  assertEquals(decideCoverage(stateOf({ slots, workers: [workerOf()] })), {});
});

Deno.test("decideCoverage() has somebody take what waits in slot 1 from the bind on, until it has a worker", () => {
  const slots = [1, 2, 3].map((number) => slotOf({ number, opened: number === 2 }));
  const others = [workerOf({ id: 1, slot: 1, state: "starting" }), workerOf({ id: 2, slot: 2 })];
  const state = stateOf({ slots, workers: others, firstListens: true });
  assertEquals(decideCoverage(state), { 1: 2 });
  assertEquals(decideCoverage({ ...state, firstListens: false }), {});
  assertEquals(decideCoverage({ ...state, workers: [workerOf(), ...others] }), {});
});

Deno.test("decideCoverage() spreads the slots, when several workers can take them", () => {
  assertEquals(coverageOf([{ id: 7, slot: 1 }, { id: 8, slot: 2 }]), { 3: 7, 4: 8 });
  assertEquals(coverageOf([{ id: 7, slot: 1 }]), { 2: 7, 3: 7, 4: 7 });
});

Deno.test("decideCoverage() keeps a duty where it is, when its worker still accepts", () => {
  const workers = [{ id: 7, slot: 1 }, { id: 8, slot: 2 }];
  assertEquals(coverageOf(workers, { 3: 8, 4: 8 }), { 3: 8, 4: 8 });
  assertEquals(coverageOf([{ id: 7, slot: 1 }], { 3: 8, 4: 8 }), { 2: 7, 3: 7, 4: 7 });
});

Deno.test("decideCoverage() counts paused and leaving workers as none", () => {
  const others = [{ id: 2, slot: 2 }, { id: 3, slot: 3 }, { id: 4, slot: 4 }];
  for (const state of ["starting", "paused", "retiring", "killed"] as const) {
    assertEquals(coverageOf([{ id: 1, slot: 1, state }, ...others]), { 1: 2 }, state);
  }
});

Deno.test("decideCoverage() gives no duty to workers that cannot cover, and counts their slot as served", () => {
  const workers = [{ id: 1, slot: 1, covers: false }, { id: 2, slot: 2 }, { id: 3, slot: 3 }];
  assertEquals(coverageOf(workers), { 4: 2 });
  assertEquals(coverageOf([{ id: 1, slot: 1, covers: false }]), {});
});

Deno.test("decideCoverage() passes workers over that have not inherited the slot's socket", () => {
  const workers = [{ id: 1, slot: 1, slotsKnown: 3 }, { id: 2, slot: 2, slotsKnown: 3 }];
  assertEquals(coverageOf(workers), { 3: 1 });
  assertEquals(coverageOf([...workers, { id: 3, slot: 3, slotsKnown: 4 }]), { 4: 3 });
});

Deno.test("step() tells a sibling to cover, when a worker dies, and to stop it when its successor accepts", () => {
  const simulation = Simulation.running({ processes: 3 });
  const [first, second] = [simulation.newest(1), simulation.newest(2)];
  const died = ofType(simulation.exit(second), "cover");
  assertEquals(died, [{ type: "cover", worker: first.id, slots: [2] }]);
  assertEquals(ofType(simulation.accept(simulation.newest(2)), "cover"), [
    { type: "cover", worker: first.id, slots: [] },
  ]);
});

Deno.test("step() hands a duty on, when the worker that covers dies as well", () => {
  const simulation = Simulation.running({ processes: 3 });
  const third = simulation.newest(3);
  simulation.exit(simulation.newest(2));
  const [duty] = ofType(simulation.exit(simulation.oldest(1)), "cover");
  assertEquals(duty, { type: "cover", worker: third.id, slots: [1, 2] });
});

Deno.test("step() tells the successor to cover, when the worker that covers is replaced", () => {
  const simulation = Simulation.running({ processes: 2 });
  // Twice: the next start has to wait.
  simulation.exit(simulation.newest(2));
  simulation.exit(simulation.newest(2));
  simulation.reload("chain");
  const effects = simulation.accept(simulation.newest(1));
  const successor = simulation.newest(1);
  assertEquals(ofType(effects, "cover"), [{ type: "cover", worker: successor.id, slots: [2] }]);
});

Deno.test("step() lets siblings keep the queues of slots that are scaled away", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.configuration = {
    processes: 1,
    startTimeoutMs: 60_000,
    mercyMs: 60_000,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  simulation.reload("all");
  simulation.acceptAll();
  assertEquals(simulation.state.coverage, {
    2: simulation.newest(1).id,
    3: simulation.newest(1).id,
  });
});

Deno.test("step() asks only workers for a new slot's queue that inherited it, when slots are added", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.configuration = {
    processes: 2,
    startTimeoutMs: 60_000,
    mercyMs: 60_000,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  simulation.reload("all");
  const old = simulation.oldest(1);
  simulation.accept(simulation.newest(2));
  simulation.exit(simulation.newest(2));
  assertEquals(simulation.state.coverage, {});
  assertEquals(simulation.workers, ["1: g1 accepting", "1: g2 starting", "2: g2 starting"]);
  assertEquals(old.slotsKnown, 1);
  const effects = simulation.accept(simulation.newest(1));
  assertEquals(ofType(effects, "cover").map(({ slots }) => slots), [[2]]);
});

Deno.test("step() takes a duty back, when its worker accepts again after a pause and a sibling has it", () => {
  const simulation = Simulation.running({ processes: 3 });
  const [first, second] = [simulation.newest(1), simulation.newest(2)];
  simulation.accept(second, false);
  assertEquals(simulation.state.coverage, { 2: first.id });
  simulation.forget();
  simulation.accept(first, false);
  simulation.accept(first);
  assertEquals(simulation.state.coverage, { 2: simulation.newest(3).id });
  const told = ofType(simulation.effects, "cover").filter(({ worker }) => worker === first.id);
  assertEquals(told.slice(-1), [{ type: "cover", worker: first.id, slots: [] }]);
});
