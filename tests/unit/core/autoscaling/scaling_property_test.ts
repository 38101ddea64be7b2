/** What holds for every algorithm, whatever the load does. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { AlgorithmName } from "../../../../lib/core/autoscaling/algorithms.ts";
import { ScalingSimulation, SETTINGS } from "../../../helpers/scaling.ts";

const NAMES: readonly AlgorithmName[] = ["spare", "backlog", "busyness", "manual"];

const settings = fc.record({
  processes: fc.integer({ min: 2, max: 12 }),
  cheaper: fc.integer({ min: 1, max: 11 }),
  initial: fc.nat(14),
  step: fc.integer({ min: 1, max: 5 }),
  overload: fc.integer({ min: 1, max: 6 }),
  busyness: fc.record({
    max: fc.integer({ min: 2, max: 100 }),
    min: fc.nat(99),
    multiplier: fc.integer({ min: 1, max: 5 }),
    penalty: fc.nat(4),
    alert: fc.integer({ min: 1, max: 100 }),
    alertStep: fc.integer({ min: 1, max: 4 }),
    alertMultiplier: fc.integer({ min: 1, max: 4 }),
    nonzeroSeconds: fc.integer({ min: 1, max: 10 }),
  }),
}).map(({ processes, cheaper, busyness, ...rest }) => ({
  processes,
  settings: {
    ...SETTINGS,
    ...rest,
    cheaper: Math.min(cheaper, processes - 1),
    busyness: { ...SETTINGS.busyness, ...busyness, min: Math.min(busyness.min, busyness.max - 1) },
  },
}));

const loads = fc.double({ min: 0, max: 15, noNaN: true });

for (const algorithm of NAMES) {
  Deno.test(`${algorithm} stays between cheaper and processes, whatever the load does`, () => {
    fc.assert(
      fc.property(settings, fc.array(loads, { maxLength: 150, size: "max" }), (given, pattern) => {
        const { processes } = given;
        const simulation = new ScalingSimulation({ ...given.settings, algorithm }, processes);
        for (const load of pattern) {
          const wanted = simulation.second({ load });
          assert(wanted >= given.settings.cheaper, `${wanted} is too few`);
          assert(wanted <= processes, `${wanted} is too many`);
        }
      }),
      { numRuns: 150 },
    );
  });

  Deno.test(`${algorithm} comes to rest under constant load, whatever came before`, () => {
    const before = fc.array(loads, { maxLength: 40, size: "max" });
    fc.assert(
      fc.property(settings, before, loads, (given, pattern, load) => {
        const { processes } = given;
        const simulation = new ScalingSimulation({ ...given.settings, algorithm }, processes);
        for (const one of pattern) simulation.second({ load: one });
        // Long enough for the slowest way down: every worker waits for all of its windows.
        const seconds = 12 * 6 * (5 + 40 * 4);
        const path = simulation.run(seconds, { load });
        const rest = path.slice(-seconds / 6);
        assertEquals(new Set(rest).size, 1, `still moving: ${rest}`);
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${algorithm} turns at most once under constant load, from a fresh start`, () => {
    fc.assert(
      fc.property(settings, loads, (given, load) => {
        const { processes } = given;
        const simulation = new ScalingSimulation({ ...given.settings, algorithm }, processes);
        const path = [simulation.wanted, ...simulation.run(2_000, { load })];
        const moves = path.slice(1).map((workers, at) => Math.sign(workers - (path[at] ?? 0)))
          .filter((move) => move !== 0);
        const turns = moves.slice(1).filter((move, at) => move !== moves[at]).length;
        // A large step may go too far once; who comes back does not go up again.
        assert(turns <= 1, `turned ${turns} times: ${moves}`);
      }),
      { numRuns: 150 },
    );
  });
}

Deno.test("spare, backlog and busyness give as many workers as the load needs", () => {
  const fixed = fc.record({
    algorithm: fc.constantFrom<AlgorithmName>("spare", "backlog", "busyness"),
    load: loads,
  });
  fc.assert(
    fc.property(settings, fixed, ({ processes, settings }, { algorithm, load }) => {
      const simulation = new ScalingSimulation({ ...settings, algorithm }, processes);
      simulation.run(3_000, { load });
      assert(simulation.wanted >= Math.min(processes, Math.floor(load)), `${simulation.wanted}`);
    }),
    { numRuns: 100 },
  );
});
