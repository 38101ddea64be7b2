/** What holds for a master whatever happens, tried with random histories. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { desiredSlots, isLeaving, liveWorkers, type MasterState } from "../../../lib/core/state.ts";
import type { Effect } from "../../../lib/core/event.ts";
import { Simulation } from "../../helpers/simulation.ts";

/** One thing that happens; `which` picks a worker among those that are there. */
type Act =
  | { readonly type: "accept" | "pause" | "exit" | "pipeBroken"; readonly which: number }
  | { readonly type: "recycle" | "condemn"; readonly which: number }
  | { readonly type: "reload"; readonly kind: "chain" | "workers" | "all" }
  | { readonly type: "scale" | "want"; readonly workers: number }
  | { readonly type: "pauseAll"; readonly on: boolean }
  | { readonly type: "configure"; readonly processes: number }
  | { readonly type: "pass"; readonly ms: number }
  | { readonly type: "acceptAll" | "exitLeaving" };

const which = fc.nat(9);

function of(parts: { readonly [K in string]: fc.Arbitrary<unknown> }): fc.Arbitrary<Act> {
  return fc.record(parts) as unknown as fc.Arbitrary<Act>;
}

const acts = fc.oneof(
  { weight: 6, arbitrary: of({ type: fc.constantFrom("accept", "exit"), which }) },
  { weight: 4, arbitrary: of({ type: fc.constantFrom("pause", "pipeBroken"), which }) },
  { weight: 4, arbitrary: of({ type: fc.constantFrom("acceptAll", "exitLeaving") }) },
  {
    weight: 3,
    arbitrary: of({
      type: fc.constant("reload"),
      kind: fc.constantFrom("chain", "workers", "all"),
    }),
  },
  { weight: 2, arbitrary: of({ type: fc.constantFrom("recycle", "condemn"), which }) },
  { weight: 1, arbitrary: of({ type: fc.constant("want"), workers: fc.nat(4) }) },
  { weight: 1, arbitrary: of({ type: fc.constant("pauseAll"), on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: of({ type: fc.constant("scale"), workers: fc.integer({ min: 1, max: 5 }) }),
  },
  // 0 stands for a configuration with errors.
  { weight: 1, arbitrary: of({ type: fc.constant("configure"), processes: fc.nat(4) }) },
  { weight: 3, arbitrary: of({ type: fc.constant("pass"), ms: fc.nat(20_000) }) },
);

interface History {
  readonly processes: number;
  readonly socketPerSlot: boolean;
  readonly rollback: boolean;
  readonly verifyMs: number;
  /** True if the history begins when all workers accept. */
  readonly running: boolean;
  readonly acts: readonly Act[];
}

const histories: fc.Arbitrary<History> = fc.record({
  processes: fc.integer({ min: 1, max: 4 }),
  socketPerSlot: fc.boolean(),
  rollback: fc.boolean(),
  verifyMs: fc.constantFrom(0, 700),
  running: fc.constantFrom(true, true, false),
  acts: fc.array(acts, { maxLength: 60, size: "max" }),
});

const SETTINGS = { startTimeoutMs: 5_000, mercyMs: 8_000 };

function play(simulation: Simulation, act: Act): readonly Effect[] {
  switch (act.type) {
    case "reload":
      return simulation.reload(act.kind);
    case "configure":
      simulation.configuration = act.processes === 0
        ? null
        : { ...simulation.state.settings, processes: act.processes };
      return [];
    case "scale":
      return simulation.happen({ type: "scale", processes: act.workers, why: "test" });
    case "want":
      return simulation.happen({ type: "want", workers: act.workers, why: "test" });
    case "pauseAll":
      return simulation.happen({ type: "pause", on: act.on, why: "test" });
    case "pass":
      return simulation.advance(act.ms);
    case "acceptAll":
    case "exitLeaving": {
      const known = simulation.effects.length;
      simulation[act.type]();
      return simulation.effects.slice(known);
    }
  }
  const worker = simulation.state.workers[act.which % Math.max(1, simulation.state.workers.length)];
  if (worker === undefined) return [];
  switch (act.type) {
    case "accept":
      return simulation.accept(worker);
    case "pause":
      return simulation.accept(worker, false);
    case "exit":
      return simulation.exit(worker);
    case "recycle":
    case "condemn":
      return simulation.happen({
        type: act.type,
        worker: worker.id,
        reason: "harakiri",
        why: "took too long",
        graceMs: 500,
      });
    case "pipeBroken":
      return simulation.happen({ type: "pipeBroken", worker: worker.id, error: "it ended" });
  }
}

/** Plays a history to its end, or to the end of the instance. */
function run(
  { acts, running, ...options }: History,
  after: (simulation: Simulation, before: MasterState, effects: readonly Effect[]) => void,
): Simulation {
  const simulation = new Simulation({ ...options, ...SETTINGS });
  simulation.happen({ type: "start" });
  if (running) simulation.acceptAll();
  for (const act of acts) {
    if (simulation.outcome !== null) break;
    const before = simulation.state;
    const effects = play(simulation, act);
    after(simulation, before, effects);
  }
  return simulation;
}

function always(
  check: (simulation: Simulation, before: MasterState, effects: readonly Effect[]) => void,
  runs = 300,
): void {
  fc.assert(fc.property(histories, (history) => void run(history, check)), { numRuns: runs });
}

Deno.test("step() gives every worker that is starting, recalled or retiring a deadline, and no other worker", () => {
  always(({ state, at }) => {
    for (const worker of state.workers) {
      const limited = ["starting", "recalled", "retiring"].includes(worker.state);
      assertEquals(worker.deadline !== null, limited, worker.state);
      assert(worker.deadline === null || worker.deadline > at);
    }
  });
});

Deno.test("step() leaves one accepting worker per slot at most, whatever happens", () => {
  always(({ state }) => {
    for (const { number } of state.slots) {
      const accepting = liveWorkers(state, number).filter(({ state }) => state === "accepting");
      assert(accepting.length <= 1, `slot ${number}`);
    }
  });
});

Deno.test("step() lets a slot have two live workers at most, whatever happens", () => {
  always(({ state }) => {
    for (const { number } of state.slots) assert(liveWorkers(state, number).length <= 2);
  });
});

Deno.test("step() runs two generations at most beside those that are to go, unless the last reload failed", () => {
  fc.assert(
    fc.property(histories, (history) => {
      let outcome: unknown = "done";
      run(history, ({ state }, _, effects) => {
        for (const effect of effects) {
          const ended = effect.type === "log" && effect.fields.event === "reloadFinished";
          if (ended) outcome = effect.fields.outcome;
        }
        const staying = state.workers.filter((worker) =>
          !isLeaving(worker) && worker.slot <= desiredSlots(state)
        );
        const live = new Set(staying.map((worker) => worker.generation));
        assert(outcome !== "done" || live.size <= 2, [...live].join());
      });
    }),
    { numRuns: 300 },
  );
});

Deno.test("step() never goes back in generations, and knows no newer one than it started", () => {
  always(({ state }, before) => {
    assert(state.generation >= before.generation);
    assert(state.lastGeneration >= before.lastGeneration);
    assert(state.generation <= state.lastGeneration);
    assert(state.workers.every(({ generation }) => generation <= state.lastGeneration));
  });
});

Deno.test("step() keeps state and processes in step: every worker it knows has a process", () => {
  always(({ state, processes }) => {
    // In one turn a worker may be numbered before another one and started after it.
    const numbers = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
    assertEquals(numbers(state.workers.map(({ id }) => id)), numbers(processes));
  });
});

Deno.test("step() has a replacement under way or due for every slot in use, once the instance runs", () => {
  always(({ state, outcome }) => {
    if (state.phase !== "running" || outcome !== null) return;
    for (const slot of state.slots.slice(0, desiredSlots(state))) {
      assert(liveWorkers(state, slot.number).length > 0 || slot.respawnAt !== null);
    }
  });
});

Deno.test("step() covers every open queue, when some worker that accepts can take it", () => {
  always(({ state }) => {
    const accepting = state.workers.filter((worker) => worker.state === "accepting");
    for (const slot of state.slots) {
      const served = accepting.some((worker) => worker.slot === slot.number);
      const able = accepting.some((worker) => worker.slotsKnown >= slot.number);
      const covering = accepting.find((worker) => worker.id === state.coverage[slot.number]);
      // A worker that failed may have listened before it did.
      const queue = slot.opened || slot.lastFailure !== null;
      const wanted = state.socketPerSlot && queue && !served && able;
      assertEquals(covering !== undefined, wanted, `slot ${slot.number}`);
    }
  });
});

Deno.test("step() tells workers their whole duty: what they were last told is what they have", () => {
  fc.assert(
    fc.property(histories, (history) => {
      const told = new Map<number, readonly number[]>();
      run(history, ({ state }, _, effects) => {
        for (const effect of effects) {
          if (effect.type === "cover") told.set(effect.worker, effect.slots);
        }
        for (const { id } of state.workers.filter((worker) => worker.state === "accepting")) {
          const duty = Object.keys(state.coverage).filter((slot) =>
            state.coverage[Number(slot)] === id
          );
          assertEquals(told.get(id) ?? [], duty.map(Number), `worker ${id}`);
        }
      });
    }),
    { numRuns: 300 },
  );
});

Deno.test("step() sends each worker at most one retire and one SIGKILL, whatever happens", () => {
  fc.assert(fc.property(histories, (history) => {
    const { effects } = run(history, () => {});
    const sent = effects.filter(({ type }) => type === "retire" || type === "signal")
      .map((effect) => JSON.stringify(effect));
    assertEquals(sent.length, new Set(sent).size);
  }));
});

Deno.test("step() finishes every reload and every scale that it begins, when nothing more is asked for", () => {
  fc.assert(fc.property(histories, (history) => {
    const simulation = run(history, () => {});
    for (let i = 0; i < 30 && simulation.outcome === null; i++) {
      simulation.acceptAll();
      simulation.exitLeaving();
      simulation.advance(100);
    }
    if (simulation.outcome !== null) return;
    const { reload, queued, scale } = simulation.state;
    assertEquals([reload, queued, scale], [null, null, null]);
  }));
});

Deno.test("step() asks for its end exactly when no worker is left, after it was told to stop", () => {
  fc.assert(
    fc.property(histories, fc.array(acts, { maxLength: 20 }), (history, late) => {
      const simulation = run(history, () => {});
      if (simulation.outcome !== null) return;
      simulation.stop();
      simulation.forget();
      for (const act of [...late, { type: "pass", ms: 1_000_000 } as const]) {
        assertEquals(simulation.outcome !== null, simulation.state.workers.length === 0);
        if (simulation.outcome !== null) break;
        play(simulation, act);
      }
      if (simulation.outcome === null) simulation.exitLeaving();
      assertEquals([simulation.outcome, simulation.processes.size], ["stopped", 0]);
      assert(!simulation.effects.some(({ type }) => type === "spawn"), "a worker was started");
    }),
    { numRuns: 300 },
  );
});

Deno.test("step() has killed everybody within the mercy, after it was told to stop", () => {
  fc.assert(fc.property(histories, (history) => {
    const simulation = run(history, () => {});
    if (simulation.outcome !== null) return;
    simulation.stop();
    simulation.advance(SETTINGS.mercyMs);
    assert(simulation.state.workers.every(({ state }) => state === "killed"));
  }));
});
