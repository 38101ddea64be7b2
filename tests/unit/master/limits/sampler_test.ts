/** Samples of workers that are only described. */
import { assertEquals } from "@std/assert";
import { Sampler, type WorkerHealth } from "../../../../lib/master/limits/sampler.ts";
import type { Worker } from "../../../../lib/core/state.ts";
import type { WorkerState } from "../../../../lib/core/worker_table.ts";
import {
  MasterClock,
  ProcessRow,
  SHARED_BYTES,
} from "../../../../lib/shared_memory/process_row.ts";
import { COUNT_AT } from "../../../../lib/shared_memory/counters.ts";
import { InFlight } from "../../../../lib/worker/counting/in_flight.ts";

function worker(id: number, state: WorkerState = "accepting"): Worker {
  return {
    id,
    slot: 1,
    generation: 1,
    pid: 100 + id,
    state,
    spawnedAt: 500,
    acceptedAt: state === "starting" ? null : 600,
    deadline: null,
    reason: null,
    recycle: null,
    waitsFor: null,
    covers: true,
    duty: [],
    slotsKnown: 1,
  };
}

/** Workers 1 to 3 in process rows 1 to 3. */
function setUp() {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const processRows = [1, 2, 3].map((number) => new ProcessRow(memory, number));
  const heard = new Map<number, number>();
  const looked: number[] = [];
  const sampler = new Sampler({
    clock: new MasterClock(memory),
    health: (id): WorkerHealth | undefined => {
      const processRow = processRows[id - 1];
      return processRow && {
        processRow,
        requests: processRow.counters[COUNT_AT.requests] ?? 0,
        lastHeardAt: heard.get(id) ?? null,
        loopLagMs: 3,
        heartbeatMs: 1_000,
      };
    },
    memory: (pid) => {
      looked.push(pid);
      return { rss: pid, as: 2 * pid };
    },
  });
  const processRow = (id: number) => processRows[id - 1] ?? new ProcessRow(memory, id);
  return { sampler, processRow, heard, looked };
}

Deno.test("take() samples workers that have accepted and are not leaving", () => {
  const { sampler } = setUp();
  const states: WorkerState[] = [
    "starting",
    "accepting",
    "paused",
    "standby",
    "retiring",
    "killed",
  ];
  const sampled = states.flatMap((state) =>
    sampler.take([worker(1, state)], 1_000, false).map(() => state)
  );
  assertEquals(sampled, ["accepting", "paused", "standby"]);
  assertEquals(sampler.take([{ ...worker(1), pid: null }], 1_000, false), []);
  assertEquals(sampler.take([worker(99)], 1_000, false), []);
});

Deno.test("take() shows what each worker's own lane has, also for two workers of one slot", () => {
  const { sampler, processRow } = setUp();
  processRow(1).counters[COUNT_AT.requests] = 11;
  processRow(2).counters[COUNT_AT.requests] = 22;
  processRow(2).set("inFlight", 2);
  const [one, two] = sampler.take([worker(1), worker(2)], 2_500, false);
  assertEquals([one?.worker, one?.requests, one?.inFlight], [1, 11, 0]);
  assertEquals([two?.worker, two?.requests, two?.inFlight], [2, 22, 2]);
  assertEquals([two?.slot, two?.pid, two?.ageMs, two?.loopLagMs], [1, 102, 2_000, 3]);
});

Deno.test("take() looks at memory only when it is asked to", () => {
  const { sampler, looked } = setUp();
  assertEquals(sampler.take([worker(1)], 1_000, false)[0]?.memory, null);
  assertEquals(looked, []);
  assertEquals(sampler.take([worker(1)], 1_000, true)[0]?.memory, { rss: 101, as: 202 });
});

Deno.test("a request is never taken for older than it is, and gets older by a second per sample", () => {
  const { sampler, processRow } = setUp();
  const requests = new InFlight(processRow(1), true);
  sampler.take([worker(1)], 0, false);
  requests.begin(new Request("http://a/slow"));
  const age = () => sampler.take([worker(1)], 0, false)[0]?.oldest;
  // The first sample may follow the begin of the request by nothing at all.
  assertEquals(age(), { ms: 0, name: "GET /slow" });
  assertEquals(age(), { ms: 1_000, name: "GET /slow" });
  assertEquals(age(), { ms: 2_000, name: "GET /slow" });
});

Deno.test("time in which the master did not run ages no request and silences no worker", () => {
  const { sampler, processRow, heard } = setUp();
  const requests = new InFlight(processRow(1), true);
  heard.set(1, 1_000);
  sampler.take([worker(1)], 1_500, false);
  requests.begin(new Request("http://a/"));
  processRow(1).set("userDeadline", processRow(1).clock.now + 1 + 2);
  // An hour goes by, of which the master sees one sample at its end.
  const [late] = sampler.take([worker(1)], 3_601_500, false);
  assertEquals(late?.oldest?.ms, 0);
  assertEquals(late?.silentMs, 1_000);
  assertEquals(late?.userHarakiriOverdue, false);
});

Deno.test("a worker is silent since the sample that still heard it", () => {
  const { sampler, heard } = setUp();
  const silent = () => sampler.take([worker(1)], 0, false)[0]?.silentMs;
  heard.set(1, 10);
  assertEquals([silent(), silent(), silent()], [0, 1_000, 2_000]);
  heard.set(1, 20);
  assertEquals([silent(), silent()], [0, 1_000]);
});

Deno.test("the time a worker sets itself is over after so many samples, and 0 calls it off", () => {
  const { sampler, processRow } = setUp();
  const overdue = () => sampler.take([worker(1)], 0, false)[0]?.userHarakiriOverdue;
  processRow(1).set("userDeadline", processRow(1).clock.now + 1 + 2);
  assertEquals([overdue(), overdue(), overdue()], [false, false, true]);
  processRow(1).set("userDeadline", 0);
  assertEquals(overdue(), false);
});
