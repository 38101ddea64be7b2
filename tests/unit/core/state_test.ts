/** The state of a master as a value. */
import { assertEquals } from "@std/assert";
import {
  initialState,
  isLeaving,
  liveWorkers,
  nextDeadline,
  servingWorker,
} from "../../../lib/core/state.ts";
import type { WorkerState } from "../../../lib/core/worker_table.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

Deno.test("initialState() has nobody and nothing due, when nothing has happened", () => {
  const settings = {
    processes: 4,
    startTimeoutMs: 1,
    mercyMs: 2,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  const state = initialState(settings, true, 77);
  assertEquals(state.workers, []);
  assertEquals(state.slots, []);
  assertEquals(state.settings, settings);
  assertEquals([state.phase, state.generation, state.startedAt], ["starting", 1, 77]);
  assertEquals(nextDeadline(state), null);
});

Deno.test("workerLeaves() is true for workers that were told to go, and for no others", () => {
  const states = ["starting", "accepting", "paused", "retiring", "killed"] as const;
  assertEquals(
    states.map((state) => isLeaving(workerOf({ state }))),
    [false, false, false, true, true],
  );
});

Deno.test("liveWorkers() gives a slot's workers by age, leaving ones left out", () => {
  const state = stateOf({
    workers: [
      workerOf({ id: 1, slot: 2, state: "retiring" }),
      workerOf({ id: 2, slot: 2, state: "accepting" }),
      workerOf({ id: 3, slot: 1, state: "accepting" }),
      workerOf({ id: 4, slot: 2, state: "killed" }),
      workerOf({ id: 5, slot: 2, state: "starting" }),
      workerOf({ id: 6, slot: 2, state: "paused" }),
    ],
  });
  assertEquals(liveWorkers(state, 2).map(({ id }) => id), [2, 5, 6]);
  assertEquals(liveWorkers(state, 3), []);
});

Deno.test("servingWorker() is the one that accepts, else the newest one that is to", () => {
  const serving = (...states: readonly WorkerState[]) =>
    servingWorker(stateOf({ workers: states.map((state, i) => workerOf({ id: i + 1, state })) }), 1)
      ?.id;
  assertEquals(serving("retiring", "accepting", "starting"), 2);
  assertEquals(serving("paused", "starting", "killed"), 2);
  assertEquals(serving("recalled", "retiring"), 1);
  assertEquals([serving("standby", "retiring", "killed"), serving()], [undefined, undefined]);
});

Deno.test("nextDeadline() is the earliest of all deadlines and respawns, 0 included", () => {
  const workers = [
    workerOf({ deadline: 90 }),
    workerOf({ deadline: null }),
    workerOf({ deadline: 80 }),
  ];
  const slots = [slotOf({ respawnAt: null }), slotOf({ number: 2, respawnAt: 70 })];
  assertEquals(nextDeadline(stateOf({ workers })), 80);
  assertEquals(nextDeadline(stateOf({ workers, slots })), 70);
  assertEquals(nextDeadline(stateOf({ workers, slots: [slotOf({ respawnAt: 0 })] })), 0);
  assertEquals(
    nextDeadline(stateOf({ workers: [workerOf({ deadline: null })], slots: [slotOf()] })),
    null,
  );
});
