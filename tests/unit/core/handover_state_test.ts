/** What a master passes on to the program that replaces its own. */
import { assertEquals } from "@std/assert";
import { exportState, importState } from "../../../lib/core/handover_state.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

Deno.test("importState() goes on with what has happened, on another clock", () => {
  const end = {
    kind: "chain",
    outcome: "done",
    generation: 2,
    tookMs: 5,
    text: "done",
    why: "",
  } as const;
  const before = stateOf({
    startedAt: 1_000,
    slots: [
      slotOf({ lastLeave: "harakiri", harakiris: 2, deaths: 3, lastFailure: "x" }),
      slotOf({ number: 2 }),
    ],
    workers: [workerOf({ spawnedAt: 6_000 })],
    reloadEnds: [{ ...end, at: 9_000 }],
  });
  const inheritance = JSON.parse(JSON.stringify(exportState(before, 10_000)));
  const state = importState({ ...before.settings, processes: 3 }, true, 100, inheritance);
  assertEquals(state.slots, [
    slotOf({ lastLeave: "harakiri", harakiris: 2 }),
    slotOf({ number: 2 }),
    slotOf({ number: 3, opened: false }),
  ]);
  assertEquals(state.reloadEnds, [{ ...end, at: -900 }]);
  assertEquals([state.startedAt, state.workers[0]?.spawnedAt], [-8_900, -3_900]);
});
