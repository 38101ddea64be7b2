/** The scoreboard, on ordinary memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LATENCY_BUCKETS } from "../../../lib/protocol/latency.ts";
import { Lane, SHARED_BYTES } from "../../../lib/protocol/lane.ts";
import { MAX_SLOTS, type RowCell, Scoreboard } from "../../../lib/protocol/scoreboard.ts";
import { add, COUNT_AT, LIST_AT, TALLY_CELLS } from "../../../lib/protocol/tally.ts";

/** Every cell: a missing one does not compile. */
const CELLS = Object.keys(
  {
    pid: 0,
    accepting: 0,
    generation: 0,
    respawns: 0,
    lastSpawn: 0,
    requestsAtSpawn: 0,
    averageTime: 0,
  } satisfies Record<RowCell, number>,
) as RowCell[];

function board(): Scoreboard {
  return new Scoreboard(new SharedArrayBuffer(SHARED_BYTES));
}

Deno.test("Scoreboard is all zero and not ready, when its memory is new", () => {
  const scoreboard = board();
  for (const cell of CELLS) assertEquals(scoreboard.get(1, cell), 0);
  assertEquals(scoreboard.ready, false);
});

Deno.test("Scoreboard keeps every cell of every slot apart, up to the last slot", () => {
  const scoreboard = board();
  const value = (slot: number, cell: number) => slot * 100 + cell;
  for (let slot = 1; slot <= MAX_SLOTS; slot++) {
    CELLS.forEach((cell, i) => scoreboard.set(slot, cell, value(slot, i)));
  }
  for (let slot = 1; slot <= MAX_SLOTS; slot++) {
    assertEquals(
      CELLS.map((cell) => scoreboard.get(slot, cell)),
      CELLS.map((_, i) => value(slot, i)),
    );
  }
  assertEquals(scoreboard.ready, false);
});

Deno.test("Scoreboard keeps what is counted apart from cells, up to the last slot", () => {
  const scoreboard = board();
  const tally = Float64Array.from({ length: TALLY_CELLS }, (_, i) => i + 1);
  for (const slot of [1, 2, MAX_SLOTS]) {
    for (const cell of CELLS) scoreboard.set(slot, cell, 77);
    scoreboard.keep(slot, tally);
    scoreboard.keep(slot, tally);
  }
  for (const slot of [1, 2, MAX_SLOTS]) {
    assertEquals(CELLS.map((cell) => scoreboard.get(slot, cell)), CELLS.map(() => 77));
    const counts = ["requests", "exceptions", "runningTime", "sent"] as const;
    assertEquals(counts.map((count) => scoreboard.get(slot, count)), [2, 4, 6, 8]);
    assertEquals(scoreboard.list(slot, "responses"), [10, 12, 14, 16, 18]);
    const expected = Array.from({ length: LATENCY_BUCKETS }, (_, i) => 20 + 2 * i);
    assertEquals(scoreboard.list(slot, "latency"), expected);
  }
  assertEquals(scoreboard.list(3, "latency"), Array(LATENCY_BUCKETS).fill(0));
});

Deno.test("Scoreboard adds up the lanes of a slot that are in use, and no others", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const scoreboard = new Scoreboard(memory);
  for (const [number, slot] of [[1, 1], [2, 2], [3, 1], [4, 1]] as const) {
    const lane = new Lane(memory, number);
    lane.set("slot", slot);
    add(lane.tally, COUNT_AT.sent, 10 ** number + 0.25);
    add(lane.tally, LIST_AT.latency, 1);
  }
  scoreboard.useLane(3);
  scoreboard.useLane(2);
  assertEquals([1, 2, 3].map((slot) => scoreboard.get(slot, "sent")), [1010, 100, 0]);
  assertEquals(scoreboard.list(1, "latency")[0], 2);
});

Deno.test("gauge() writes a cell, and cuts what is too large", () => {
  const scoreboard = board();
  const show = scoreboard.gauge(2, "averageTime");
  show(1234);
  assertEquals(scoreboard.get(2, "averageTime"), 1234);
  show(5e12);
  assertEquals(scoreboard.get(2, "averageTime"), 0x7fff_ffff);
  assertEquals([scoreboard.get(2, "requestsAtSpawn"), scoreboard.get(2, "requests")], [0, 0]);
});

Deno.test("instanceCounter() counts what belongs to no slot", () => {
  const scoreboard = board();
  scoreboard.slots = 3;
  scoreboard.instanceCounter("logLinesLost")();
  scoreboard.instanceCounter("logLinesLost")();
  assertEquals([scoreboard.instanceCount("logLinesLost"), scoreboard.slots], [2, 3]);
  assertEquals(scoreboard.ready, false);
});

Deno.test("Scoreboard throws, when there is no such slot", () => {
  assertThrows(() => board().set(MAX_SLOTS + 1, "pid", 1), RangeError);
  assertThrows(() => board().get(-1, "pid"), RangeError);
});

Deno.test("markReady() makes the instance ready and touches no slot", () => {
  const scoreboard = board();
  scoreboard.markReady();
  scoreboard.markReady();
  assertEquals(scoreboard.ready, true);
  for (const cell of CELLS) assertEquals(scoreboard.get(1, cell), 0);
});

Deno.test("set() keeps whole numbers of any size, and cuts fractions off", () => {
  const scoreboard = board();
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    scoreboard.set(7, "requestsAtSpawn", value);
    assertEquals(scoreboard.get(7, "requestsAtSpawn"), value + 0);
  }));
  scoreboard.set(7, "lastSpawn", 1_700_000_000.9);
  assertEquals(scoreboard.get(7, "lastSpawn"), 1_700_000_000);
});

Deno.test("increment() adds one to its own cell", () => {
  const scoreboard = board();
  for (let i = 0; i < 5; i++) scoreboard.increment(2, "respawns");
  assertEquals([1, 2, 3].map((slot) => scoreboard.get(slot, "respawns")), [0, 5, 0]);
});

Deno.test("Scoreboard shows to one view what another one wrote, when they share the memory", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [one, other] = [new Scoreboard(memory), new Scoreboard(memory)];
  one.increment(1, "respawns");
  other.increment(1, "respawns");
  one.markReady();
  assertEquals(other.get(1, "respawns"), 2);
  assert(other.ready);
});

Deno.test("slots is what was set, and touches neither readiness nor a slot", () => {
  const scoreboard = new Scoreboard(new SharedArrayBuffer(SHARED_BYTES));
  scoreboard.slots = 6;
  assertEquals([scoreboard.slots, scoreboard.ready, scoreboard.get(1, "pid")], [6, false, 0]);
});
