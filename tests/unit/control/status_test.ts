/** What a master says of itself. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { instanceStatus, statusText, workersText } from "../../../lib/control/status.ts";
import type { MasterState } from "../../../lib/core/state.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

const facts = {
  version: "1.2.3",
  pid: 99,
  script: "app.ts",
  directory: "/srv/app",
  configuration: ["/srv/app/app.ini"],
  sockets: ["127.0.0.1:80", "/run/app.sock"],
  walls: [],
  now: 130_000,
  count: (slot: number, cell: string) => cell === "requests" ? slot * 10 : 0,
};

const state: MasterState = stateOf({
  startedAt: 5_000,
  generation: 2,
  settings: { ...stateOf().settings, processes: 3 },
  slots: [
    slotOf(),
    slotOf({ number: 2 }),
    slotOf({ number: 3, deaths: 4, respawnAt: 131_000, lastFailure: "exited with code 1" }),
  ],
  workers: [
    workerOf({ generation: 1, state: "retiring", reason: "reload" }),
    workerOf({ id: 2, slot: 2, pid: 102, spawnedAt: 120_000 }),
    workerOf({ id: 3, pid: 103, generation: 2, spawnedAt: 129_500 }),
  ],
});

Deno.test("descriptorStatus() has each slot with its workers, the newest first", () => {
  const { slots, uptimeMs, reload, paused } = instanceStatus(state, facts);
  assertEquals([uptimeMs, reload, paused], [125_000, null, false]);
  assertEquals(slots.map(({ slot, requests }) => [slot, requests]), [[1, 10], [2, 20], [3, 30]]);
  assertEquals(slots[0]?.workers, [
    { pid: 103, state: "accepting", generation: 2, ageMs: 500, reason: null },
    { pid: 101, state: "retiring", generation: 1, ageMs: 130_000, reason: "reload" },
  ]);
  assertEquals([slots[2]?.workers, slots[2]?.respawnInMs], [[], 1000]);
});

Deno.test("descriptorStatus() tells of a reload on its way", () => {
  const reload = {
    kind: "chain" as const,
    brutal: false,
    tickets: [],
    rollback: true,
    exec: "no" as const,
    oldPids: {},
    verifiedAt: null,
    ending: false,
    generation: 3,
    startedAt: 129_000,
    pending: [3],
    starting: [2],
    done: [1],
    failed: [],
  };
  const status = instanceStatus(
    { ...state, reload, queued: { kind: "all", brutal: false, program: false, tickets: [] } },
    facts,
  );
  assertEquals(status.reload?.runningMs, 1000);
  assertMatch(
    statusText(status),
    /Reload \(chain\) to generation 3: 1 of 3 slots done after 1000 ms/,
  );
  assertMatch(statusText(status), /Reload \(all\) follows/);
});

Deno.test("statusText() and workersText() are for people", () => {
  assertEquals(
    statusText(instanceStatus(state, facts)),
    `duwsgi 1.2.3, pid 99, running for 2 min
Script app.ts in /srv/app on 127.0.0.1:80, /run/app.sock
Workers 2 of 3 accept, generation 2

SLOT  PID  STATE      GEN  AGE     REQUESTS  ERRORS  RESPAWNS
1     103  accepting  2    500 ms  10        0       0
1     101  retiring   1    2 min                               reload
2     102  accepting  1    10 s    20        0       0
3     -    none       -    -       30        0       0         exited with code 1; next start in 1000 ms`,
  );
  assertEquals(workersText(instanceStatus(stateOf(), facts)).split("\n").length, 1);
  assertMatch(
    statusText(instanceStatus({ ...state, paused: true } as MasterState, facts)),
    /paused for/,
  );
});

Deno.test("descriptorStatus() survives JSON", () => {
  const status = instanceStatus(state, facts);
  assertEquals(JSON.parse(JSON.stringify(status)), status);
});

Deno.test("statusText() names the walls that hold, and why others do not", () => {
  assert(!statusText(instanceStatus(state, facts)).includes("Walls"));
  const line = (seccomp: string | null, landlock: string | null) =>
    statusText(instanceStatus(state, {
      ...facts,
      walls: [
        { wall: "seccomp", holds: seccomp === null, why: seccomp },
        { wall: "landlock", holds: landlock === null, why: landlock },
      ],
    })).split("\n").filter((text) => text.startsWith("Walls"));
  assertEquals(line(null, null), ["Walls seccomp, landlock"]);
  assertEquals(line(null, "no"), ["Walls seccomp (landlock: no)"]);
  assertEquals(line("a", "b"), ["Walls none (seccomp: a; landlock: b)"]);
});
