/** The scoreboard as the master keeps it. */
import { assertEquals } from "@std/assert";
import { MasterScoreboard } from "../../../../lib/master/scoreboard/master_scoreboard.ts";
import { ProcessRow, SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";
import { Scoreboard } from "../../../../lib/shared_memory/scoreboard.ts";
import { add, COUNT_AT } from "../../../../lib/shared_memory/counters.ts";

function setup() {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const processRow = (number: number) => new ProcessRow(memory, number);
  return {
    memory,
    processRow,
    master: new MasterScoreboard(memory),
    worker: new Scoreboard(memory),
  };
}

Deno.test("MasterScoreboard shows workers what it knows, and what was counted by who is gone", () => {
  const { processRow, master, worker } = setup();
  master.set(1, "pid", 4711);
  master.increment(1, "respawns");
  master.showSlots(2);
  master.markReady();
  master.beginProcessRow(7, 1, processRow(7));
  add(processRow(7).counters, COUNT_AT.requests, 5);
  assertEquals([worker.get(1, "pid"), worker.get(1, "respawns"), worker.slots], [4711, 1, 2]);
  assertEquals([worker.ready, worker.get(1, "requests")], [true, 5]);
  master.endProcessRow(7);
  assertEquals([worker.get(1, "requests"), processRow(7).get("slot")], [5, 0]);
  master.beginProcessRow(7, 2, processRow(7));
  assertEquals([1, 2].map((slot) => worker.get(slot, "requests")), [5, 0]);
});

Deno.test("MasterScoreboard reads nothing back, when the memory holds something else", () => {
  const { memory, processRow, master, worker } = setup();
  master.set(1, "lastSpawn", 1_700_000_000.5);
  master.increment(1, "respawns");
  master.beginProcessRow(1, 1, processRow(1));
  add(processRow(1).counters, COUNT_AT.requests, 5);
  assertEquals(master.get(1, "requests"), 5);
  for (const value of [-1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    new BigInt64Array(memory).fill(value);
    assertEquals(master.get(1, "lastSpawn"), 1_700_000_000);
    assertEquals([master.get(1, "respawns"), master.get(1, "requests")], [1, 5]);
    assertEquals([master.get(2, "requests"), master.total("logLinesLost")], [0, 0]);
  }
  // What it writes next is right again.
  master.increment(1, "respawns");
  assertEquals(worker.get(1, "respawns"), 2);
  master.endProcessRow(1);
  assertEquals([master.get(1, "requests"), worker.get(1, "requests")], [5, 5]);
});

Deno.test("MasterScoreboard adds up lost log lines of workers, of mules and of the master", () => {
  const { processRow, master } = setup();
  master.countLost(2);
  master.beginProcessRow(1, 1, processRow(1));
  master.beginProcessRow(2, 0, processRow(2));
  processRow(1).counter("logLinesLost")();
  processRow(2).counter("logLinesLost")(10);
  assertEquals([master.total("logLinesLost"), master.get(1, "logLinesLost")], [13, 1]);
  master.endProcessRow(1);
  master.endProcessRow(2);
  assertEquals([master.total("logLinesLost"), master.get(1, "logLinesLost")], [13, 1]);
});

Deno.test("MasterScoreboard goes on in another program with rows, counts and lanes", () => {
  const { memory, processRow, master } = setup();
  master.set(3, "generation", 4);
  master.countLost(2);
  for (const [number, slot] of [[1, 3], [2, 3]] as const) {
    master.beginProcessRow(number, slot, processRow(number));
    add(processRow(number).counters, COUNT_AT.requests, 10 * number);
  }
  master.endProcessRow(1);
  const record = JSON.parse(JSON.stringify(master.record));
  const next = new MasterScoreboard(memory, record);
  add(processRow(2).counters, COUNT_AT.requests, 1);
  assertEquals([next.get(3, "generation"), next.get(3, "requests")], [4, 31]);
  assertEquals([next.total("logLinesLost"), next.runningCounters(2)?.requests], [2, 21]);
  assertEquals(next.runningCounters(1), null);
  next.endProcessRow(2);
  assertEquals(next.get(3, "requests"), 31);
});
