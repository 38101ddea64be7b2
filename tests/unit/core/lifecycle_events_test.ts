/** What hooks learn of a change of state. */
import { assertEquals } from "@std/assert";
import { milestones } from "../../../lib/core/lifecycle_events.ts";
import { initialState, type MasterState } from "../../../lib/core/state.ts";
import { step } from "../../../lib/core/step.ts";
import type { MasterEvent } from "../../../lib/core/event.ts";

const SETTINGS = {
  processes: 2,
  startTimeoutMs: 60_000,
  mercyMs: 60_000,
  rollback: false,
  verifyMs: 0,
  respawnLimit: 0,
  dieOnNoWorkers: false,
};

/** The milestones of these events, each with those it led to. */
function follow(masterEvents: readonly MasterEvent[]): unknown[] {
  let state: MasterState = initialState(SETTINGS, true, 0);
  return masterEvents.map((masterEvent, i) => {
    const before = state;
    state = step(state, { ...masterEvent, at: i }).state;
    return milestones(before, state).map((one) => Object.values(one).join(" "));
  });
}

Deno.test("milestones() names each worker that was started, accepts, and accepts first in its slot", () => {
  assertEquals(
    follow([
      { type: "start" },
      { type: "spawned", worker: 1, pid: 11 },
      { type: "spawned", worker: 2, pid: 12 },
      { type: "accepting", worker: 2, on: true, covers: true },
      { type: "accepting", worker: 2, on: true, covers: true },
      { type: "accepting", worker: 1, on: true, covers: true },
      { type: "exited", worker: 1, how: "was killed by SIGKILL", error: null },
      { type: "tick" },
      { type: "spawned", worker: 3, pid: 13 },
      { type: "accepting", worker: 3, on: true, covers: true },
    ]),
    [
      [],
      ["started 1 11"],
      ["started 2 12"],
      ["accepting 2 12 true"],
      [],
      ["accepting 1 11 true", "ready"],
      [],
      [],
      ["started 1 13"],
      ["accepting 1 13 false"],
    ],
  );
});
