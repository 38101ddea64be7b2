import { assertEquals } from "@std/assert";
import { progressOf } from "../../../../lib/cli/client/progress.ts";
import type { SlotStatus, Status, WorkerStatus } from "../../../../lib/control/status.ts";

function worker(pid: number | null, changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return { pid, state: "accepting", generation: 1, ageMs: 1000, reason: null, ...changes };
}

function slot(number: number, ...workers: readonly WorkerStatus[]): SlotStatus {
  const counts = { requests: 0, exceptions: 0, respawns: 0, deaths: 0 };
  return { slot: number, ...counts, respawnInMs: null, lastFailure: null, workers };
}

const status: Status = {
  version: "1",
  pid: 1,
  script: "app.ts",
  directory: "/srv",
  configuration: [],
  sockets: [],
  phase: "running",
  cheap: false,
  paused: false,
  uptimeMs: 0,
  processes: 2,
  generation: 1,
  reload: null,
  queued: null,
  walls: [],
  slots: [slot(1, worker(10)), slot(2, worker(11))],
};

const reload = {
  kind: "chain",
  generation: 2,
  runningMs: 10,
  pending: [3],
  starting: [2],
  done: [1],
} as const;

Deno.test("progressOf() has nothing to say of an instance that only serves", () => {
  assertEquals(progressOf(status), null);
});

Deno.test("progressOf() names the slot that starts, and the workers that leave", () => {
  const slots = [
    slot(1, worker(20), worker(10, { state: "retiring", reason: "reload" })),
    slot(2, worker(21, { state: "starting", generation: 2 }), worker(11)),
    slot(3, worker(12)),
  ];
  assertEquals(
    progressOf({ ...status, slots, reload }),
    "Reload (chain) to generation 2: 1 of 3 done; slot 2 starts (pid 21); " +
      "worker 10 of slot 1 (reload) finishes what clients have begun",
  );
  const proving = [slots[0], slot(2, worker(21, { generation: 2 }), worker(11))];
  assertEquals(
    progressOf({ ...status, slots: proving.filter((one) => one !== undefined), reload })
      ?.includes("slot 2 proves itself (pid 21)"),
    true,
  );
  assertEquals(
    progressOf({ ...status, reload, queued: "all" })?.endsWith("; a reload (all) follows"),
    true,
  );
});

Deno.test("progressOf() tells of those that a reload or a stop waits for, many by number", () => {
  const leaving = (pid: number) => worker(pid, { state: "retiring", reason: "reload" });
  assertEquals(
    progressOf({ ...status, slots: [slot(1, worker(20), leaving(10))] }),
    "Waiting: worker 10 of slot 1 (reload) finishes what clients have begun",
  );
  const slots = [1, 2, 3, 4, 5, 6].map((number) => slot(number, leaving(number)));
  assertEquals(
    progressOf({ ...status, slots, phase: "stopping" }),
    "Stopping: workers 1 of slot 1 (reload), 2 of slot 2 (reload), 3 of slot 3 (reload), " +
      "4 of slot 4 (reload) and 2 more finish what clients have begun",
  );
  assertEquals(
    progressOf({ ...status, slots: [], phase: "stopping" }),
    "Stopping: the last steps",
  );
});
