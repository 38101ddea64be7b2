/** One turn of the master. */
import { assertEquals } from "@std/assert";
import type { Reload } from "../../../lib/core/state.ts";
import {
  beginStep,
  duration,
  logLine,
  workerLabel,
  workerLogFields,
} from "../../../lib/core/step_context.ts";
import { deepFreeze } from "../../helpers/deep_freeze.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

Deno.test("beginStep() gives a copy that can be changed everywhere, when the state is frozen", () => {
  const reload: Reload = {
    kind: "chain",
    generation: 2,
    startedAt: 0,
    pending: [2],
    starting: [1],
    done: [],
    brutal: false,
    tickets: [],
    rollback: false,
    oldPids: {},
    exec: "no",
    verifiedAt: null,
    ending: false,
    failed: [],
  };
  const workers = [workerOf()];
  const frozen = deepFreeze(stateOf({ workers, slots: [slotOf()], reload, coverage: { 1: 2 } }));
  const before = structuredClone(frozen);
  const { state, at, effects } = beginStep(frozen, 42);
  assertEquals([state, at, effects], [before, 42, []]);
  for (const worker of state.workers) worker.state = "killed";
  for (const slot of state.slots) slot.deaths++;
  state.reload?.pending.push(3);
  state.reload?.starting.pop();
  state.reload?.done.push(1);
  state.reload?.failed.push({ slot: 1, why: "test" });
  state.coverage[1] = 9;
  state.workers.pop();
  assertEquals(frozen, before);
});

Deno.test("duration() says milliseconds below a second, and seconds with one digit above", () => {
  assertEquals(
    [0, 47.6, 999, 1000, 2449, 2450, 60_000].map(duration),
    ["0 ms", "48 ms", "999 ms", "1 s", "2.4 s", "2.5 s", "60 s"],
  );
});

Deno.test("workerLabel() leaves the pid out, when there is none yet", () => {
  assertEquals(
    workerLabel(workerOf({ slot: 3, pid: 42, generation: 2 })),
    "worker 3 (pid 42, generation 2)",
  );
  assertEquals(workerLabel(workerOf({ slot: 3, pid: null })), "worker 3 (generation 1)");
});

Deno.test("logLine() asks for a line with the fields of the worker", () => {
  const context = beginStep(stateOf(), 0);
  logLine(context, "info", "hello", workerLogFields("greeting", workerOf({ slot: 2, pid: 7 })));
  const fields = { event: "greeting", worker: 2, pid: 7, generation: 1 };
  assertEquals(context.effects, [{ type: "log", level: "info", text: "hello", fields }]);
});
