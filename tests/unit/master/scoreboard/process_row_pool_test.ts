/** Which worker process has which process row. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProcessRowPool } from "../../../../lib/master/scoreboard/process_row_pool.ts";
import {
  MasterScoreboard,
  type ScoreboardRecord,
} from "../../../../lib/master/scoreboard/master_scoreboard.ts";
import { MAX_PROCESS_ROWS, SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";
import { add, COUNT_AT, LIST_AT } from "../../../../lib/shared_memory/counters.ts";

function setup(
  memory = new SharedArrayBuffer(SHARED_BYTES),
  record: ScoreboardRecord | null = null,
) {
  const scoreboard = new MasterScoreboard(memory, record);
  return { memory, scoreboard, processRows: new ProcessRowPool(memory, scoreboard) };
}

Deno.test("ProcessRowPool gives everybody a lane of their own, which shows nothing of the one before", () => {
  const { processRows } = setup();
  const [one, two] = [processRows.take(1), processRows.take(2)];
  assert(one.number !== two.number);
  one.processRow.set("inFlight", 5);
  add(one.processRow.counters, COUNT_AT.requests, 5);
  one.processRow.showOldest({ since: 3, name: "GET /" });
  two.processRow.set("inFlight", 7);
  processRows.release(one);
  const again = processRows.take(3);
  assertEquals(again.number, one.number);
  assertEquals(
    [again.processRow.get("inFlight"), again.counters.requests, again.processRow.oldest],
    [0, 0, null],
  );
  assertEquals([again.processRow.get("slot"), two.processRow.get("inFlight")], [3, 7]);
});

Deno.test("what a slot's processes counted is the same while they run, when they are gone, and when their lanes have others", () => {
  const { processRows, scoreboard } = setup();
  const counts = () => [
    [1, 2].map((slot) => scoreboard.get(slot, "requests")),
    scoreboard.list(1, "responses"),
  ];
  const [old, successor, other] = [processRows.take(1), processRows.take(1), processRows.take(2)];
  for (const [{ processRow }, requests] of [[old, 10], [successor, 3], [other, 7]] as const) {
    add(processRow.counters, COUNT_AT.requests, requests);
    add(processRow.counters, LIST_AT.responses + 1, requests);
  }
  const expected = [[13, 7], [0, 13, 0, 0, 0]];
  assertEquals(counts(), expected);
  processRows.release(old);
  assertEquals(counts(), expected);
  const next = processRows.take(2);
  assertEquals(next.number, old.number);
  assertEquals(counts(), expected);
  add(next.processRow.counters, COUNT_AT.requests, 1);
  assertEquals(counts(), [[13, 8], [0, 13, 0, 0, 0]]);
});

Deno.test("what a process counted is not lost with the master's program", () => {
  const before = setup();
  const lease = before.processRows.take(1);
  add(lease.processRow.counters, COUNT_AT.requests, 4);
  const after = setup(before.memory, before.scoreboard.record);
  add(lease.processRow.counters, COUNT_AT.requests, 1);
  assertEquals(after.scoreboard.get(1, "requests"), 5);
  // The process ended while nobody looked.
  assertEquals(after.processRows.take(2).number, lease.number);
  assertEquals(after.scoreboard.get(1, "requests"), 5);
});

Deno.test("ProcessRowPool refuses when all lanes are taken, and goes on when one is free again", () => {
  const { processRows } = setup();
  const all = Array.from({ length: MAX_PROCESS_ROWS }, () => processRows.take(1));
  assertEquals(new Set(all.map(({ number }) => number)).size, MAX_PROCESS_ROWS);
  assertThrows(
    () => processRows.take(1),
    Error,
    `There are ${MAX_PROCESS_ROWS} worker processes already`,
  );
  for (const freed of all.slice(77, 79)) {
    processRows.release(freed);
    assertEquals(processRows.take(1).number, freed.number);
  }
});

Deno.test("ProcessRowPool keeps a lane that was in use before it, and gives it to nobody else", () => {
  const { memory, processRows: old, scoreboard } = setup();
  const before = old.take(1);
  before.processRow.set("inFlight", 9);
  const { processRows } = setup(memory, scoreboard.record);
  const kept = processRows.keep(before.number, 1);
  assertEquals(kept.processRow.get("inFlight"), 9);
  assert(processRows.take(1).number !== kept.number);
  processRows.release(kept);
  assertEquals(processRows.take(1).number, kept.number);
});

Deno.test("whose a lane is does not depend on what its process writes there", () => {
  const { processRows, scoreboard } = setup();
  const [liar, other] = [processRows.take(1), processRows.take(2)];
  for (const lease of [liar, other]) add(lease.processRow.counters, COUNT_AT.requests, 5);
  liar.processRow.set("slot", 2);
  assertEquals([1, 2].map((slot) => scoreboard.get(slot, "requests")), [5, 5]);
  liar.processRow.counters.fill(NaN);
  processRows.release(liar);
  processRows.take(3);
  assertEquals([1, 2, 3].map((slot) => scoreboard.get(slot, "requests")), [5, 5, 0]);
});
