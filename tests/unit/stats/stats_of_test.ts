/** The document of the stats, against a file that shows all of it. */
import { assertEquals } from "@std/assert";
import type { MasterState, Reload } from "../../../lib/core/state.ts";
import { SHARED_BYTES } from "../../../lib/shared_memory/process_row.ts";
import { COUNT_AT, COUNTER_CELLS, LIST_AT } from "../../../lib/shared_memory/counters.ts";
import { Scoreboard, ScoreboardWriter } from "../../../lib/shared_memory/scoreboard.ts";
import { type StatsFacts, statsOf } from "../../../lib/stats/stats_of.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

const GOLDEN = new URL("../../golden/stats/document.json", import.meta.url);

const RELOAD: Reload = {
  kind: "chain",
  brutal: false,
  tickets: [],
  rollback: false,
  exec: "no",
  oldPids: {},
  verifiedAt: null,
  ending: false,
  generation: 3,
  startedAt: 129_000.2,
  pending: [3],
  starting: [2],
  done: [1],
  failed: [],
};

/** Slot 1 is being replaced, 2 is busy, 3 keeps dying, 4 is not wanted. */
const STATE: MasterState = stateOf({
  startedAt: 5_000,
  generation: 2,
  want: 3,
  ready: true,
  slots: [
    slotOf({ lastLeave: "reload", harakiris: 1 }),
    slotOf({ number: 2 }),
    slotOf({ number: 3, deaths: 4, respawnAt: 131_000, lastLeave: "was killed by SIGSEGV" }),
    slotOf({ number: 4, opened: false }),
  ],
  workers: [
    workerOf({ generation: 1, state: "retiring", reason: "reload" }),
    workerOf({ id: 2, slot: 2, pid: 102, spawnedAt: 120_000.4 }),
    workerOf({ id: 3, pid: 103, generation: 2, spawnedAt: 129_500 }),
    workerOf({ id: 4, slot: 2, pid: null, state: "starting", generation: 3, spawnedAt: 129_900 }),
  ],
  reload: RELOAD,
  queued: { kind: "all", brutal: false, program: false, tickets: [] },
  reloadEnds: [
    {
      kind: "all",
      outcome: "done",
      generation: 2,
      at: 60_000.5,
      tookMs: 41.6,
      text: "All done",
      why: "",
    },
    {
      kind: "chain",
      outcome: "failed",
      generation: 2,
      at: 9_000,
      tookMs: 7,
      text: "It failed",
      why: "it",
    },
  ],
});

function scoreboard(): Scoreboard {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [board, writer] = [new Scoreboard(memory), new ScoreboardWriter(memory)];
  writer.set(1, "requestsAtSpawn", 90);
  writer.set(1, "respawns", 1);
  writer.set(1, "lastSpawn", 1_700_000_129);
  board.averageGauge(1)(543);
  const counters = new Float64Array(COUNTER_CELLS);
  counters[COUNT_AT.requests] = 100;
  counters[COUNT_AT.exceptions] = 2;
  counters[COUNT_AT.runningTime] = 54_321;
  counters[COUNT_AT.sent] = 5_000_000_000;
  counters.fill(1, LIST_AT.latency);
  counters.set([1, 2, 1, 1, 1], LIST_AT.responses);
  writer.showKept(1, counters);
  counters.fill(0);
  counters[COUNT_AT.requests] = 7;
  writer.showKept(2, counters);
  return board;
}

function facts(part: Partial<StatsFacts> = {}): StatsFacts {
  const processRows = new Map([
    [1, { inFlight: 2, lagUs: 900 }],
    [2, { inFlight: 3, lagUs: 1_500 }],
    [3, { inFlight: 0, lagUs: 10 }],
  ]);
  return {
    version: "1.2.3",
    pid: 99,
    uid: 33,
    gid: 34,
    cwd: "/srv/app",
    script: "app.ts",
    started_on: 1_700_000_000,
    listen_queue_errors: 3,
    now: 130_000,
    epochMs: 1_700_000_130_000,
    sockets: [{
      name: "127.0.0.1:80",
      proto: "http",
      queue: 2,
      max_queue: 100,
      shared: 0,
      can_offload: 0,
      queues: 4,
    }, {
      name: "/run/app.sock",
      proto: "uwsgi",
      queue: 5,
      max_queue: 100,
      shared: 0,
      can_offload: 0,
      queues: 1,
    }],
    board: scoreboard(),
    logLinesLost: 4,
    process: (worker) => processRows.get(worker) ?? null,
    memory: (pid) => pid === 102 ? null : { rss: pid * 1000, as: pid * 10_000 },
    daemons: [{ cmd: "redis-server", pid: 7, respawns: 1 }],
    crons: [{
      minute: -15,
      hour: -1,
      day: -1,
      month: -1,
      week: -1,
      command: "true",
      unique: 0,
      legion: "",
      pid: -1,
      started_at: 0,
    }],
    metrics: () => ({ "app.hits": { type: 0, oid: "", value: 2 } }),
    ...part,
  };
}

Deno.test("statsOf() is the document of the golden file, in its order", () => {
  const written = `${JSON.stringify(statsOf(STATE, facts()), null, 2)}\n`;
  assertEquals(written, Deno.readTextFileSync(GOLDEN));
});

Deno.test("statsOf() leaves out what there is none of", () => {
  const none = { daemons: undefined, crons: undefined, metrics: () => undefined, sockets: [] };
  const stats = statsOf(stateOf(), facts(none));
  assertEquals(["daemons", "crons", "metrics"].filter((key) => key in stats), []);
  assertEquals([stats.listen_queue, stats.load, stats.workers, stats.reloads], [0, 0, [], []]);
  assertEquals([stats.reload, stats.queued], [null, null]);
});

Deno.test("statsOf() says that nobody accepts, while the instance is paused", () => {
  const { workers, paused } = statsOf({ ...STATE, paused: true }, facts());
  assertEquals(paused, true);
  assertEquals(workers.map(({ accepting, status }) => [accepting, status]), [
    [0, "pause"],
    [0, "pause"],
    [0, "pause"],
    [0, "cheap"],
  ]);
});
