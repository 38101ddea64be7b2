/** The table of a worker's life: what holds for all of its rows. */
import { assert, assertEquals } from "@std/assert";
import {
  WORKER_TABLE,
  type WorkerEvent,
  type WorkerState,
} from "../../../lib/core/worker_table.ts";

const ROWS = Object.entries(WORKER_TABLE) as [WorkerState, typeof WORKER_TABLE[WorkerState]][];

Deno.test("WORKER_TABLE lets a worker be gone exactly when its process exits, in every state", () => {
  for (const [state, row] of ROWS) {
    for (const [event, { next }] of Object.entries(row)) {
      assertEquals(next === "gone", event === "exit", `${state} ${event}`);
    }
  }
});

Deno.test("WORKER_TABLE reaches every state from starting, when the right things happen", () => {
  const reached = new Set<string>(["starting"]);
  for (let size = 0; size !== reached.size;) {
    size = reached.size;
    for (const [state, row] of ROWS) {
      if (reached.has(state)) Object.values(row).forEach(({ next }) => reached.add(next));
    }
  }
  assertEquals(reached, new Set([...ROWS.map(([state]) => state), "gone"]));
});

Deno.test("WORKER_TABLE never takes a leaving worker back, whatever happens", () => {
  for (const state of ["retiring", "killed"] as const) {
    for (const [event, { next }] of Object.entries(WORKER_TABLE[state])) {
      assert(next === "retiring" || next === "killed" || next === "gone", `${state} ${event}`);
    }
  }
  assert(
    Object.values(WORKER_TABLE.killed).every(({ next }) => next === "killed" || next === "gone"),
  );
});

Deno.test("WORKER_TABLE kills exactly once, when a worker is told to go now", () => {
  for (const [state, row] of ROWS) {
    assertEquals(row.kill.next, "killed", state);
    assertEquals(row.kill.action, state === "killed" ? "ignore" : "kill", state);
  }
});

Deno.test("WORKER_TABLE asks a worker to leave once, when it is told to retire", () => {
  const actions = Object.fromEntries(ROWS.map(([state, row]) => [state, row.retire.action]));
  assertEquals(actions, {
    starting: "terminate",
    accepting: "ask",
    paused: "ask",
    standby: "ask",
    recalled: "ask",
    retiring: "ignore",
    killed: "ignore",
  });
});

Deno.test("WORKER_TABLE changes nothing, when it ignores or only notes an event that repeats", () => {
  for (const [state, row] of ROWS) {
    for (const [event, { next, action }] of Object.entries(row)) {
      if (action === "ignore") assertEquals(next, state, `${state} ${event}`);
    }
  }
});

Deno.test("WORKER_TABLE promotes only a starting worker, when it accepts for the first time", () => {
  const promoted: [WorkerState, WorkerEvent][] = [];
  for (const [state, row] of ROWS) {
    for (const [event, { action }] of Object.entries(row) as [WorkerEvent, { action: string }][]) {
      if (action === "promote") promoted.push([state, event]);
    }
  }
  assertEquals(promoted, [["starting", "accept"]]);
});
