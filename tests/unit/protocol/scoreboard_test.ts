/** The scoreboard, on ordinary memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LATENCY_BUCKETS } from "../../../lib/protocol/latency.ts";
import {
  type Cell,
  MAX_SLOTS,
  Scoreboard,
  SCOREBOARD_BYTES,
} from "../../../lib/protocol/scoreboard.ts";

/** Every cell: a missing one does not compile. */
const CELLS = Object.keys(
  {
    pid: 0,
    accepting: 0,
    generation: 0,
    respawns: 0,
    lastSpawn: 0,
    requests: 0,
    requestsAtSpawn: 0,
    exceptions: 0,
    runningTime: 0,
    averageTime: 0,
    sent: 0,
  } satisfies Record<Cell, number>,
) as Cell[];

function board(): Scoreboard {
  return new Scoreboard(new SharedArrayBuffer(SCOREBOARD_BYTES));
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

Deno.test("Scoreboard keeps lists apart from cells and from each other, up to the last slot", () => {
  const scoreboard = board();
  for (const slot of [1, 2, MAX_SLOTS]) {
    for (const cell of CELLS) scoreboard.set(slot, cell, 77);
    for (let place = 0; place < 5; place++) scoreboard.counters(slot, "responses")(place);
    for (let place = 0; place < LATENCY_BUCKETS; place++) {
      for (let n = 0; n < 2; n++) scoreboard.counters(slot, "latency")(place);
    }
  }
  for (const slot of [1, 2, MAX_SLOTS]) {
    assertEquals(CELLS.map((cell) => scoreboard.get(slot, cell)), CELLS.map(() => 77));
    assertEquals(scoreboard.list(slot, "responses"), [1, 1, 1, 1, 1]);
    assertEquals(scoreboard.list(slot, "latency"), Array(LATENCY_BUCKETS).fill(2));
  }
  assertEquals(scoreboard.list(3, "latency"), Array(LATENCY_BUCKETS).fill(0));
});

Deno.test("adder() adds whole numbers of any size, and cuts fractions off", () => {
  const scoreboard = board();
  const add = scoreboard.adder(2, "sent");
  for (const amount of [0, 1, 2.9, 0x7fff_ffff, 0x8000_0000, 5e12]) add(amount);
  assertEquals(scoreboard.get(2, "sent"), 3 + 0x7fff_ffff + 0x8000_0000 + 5e12);
});

Deno.test("gauge() writes a cell, and cuts what is too large", () => {
  const scoreboard = board();
  const show = scoreboard.gauge(2, "averageTime");
  show(1234);
  assertEquals(scoreboard.get(2, "averageTime"), 1234);
  show(5e12);
  assertEquals(scoreboard.get(2, "averageTime"), 0x7fff_ffff);
  assertEquals([scoreboard.get(2, "runningTime"), scoreboard.get(2, "sent")], [0, 0]);
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
    scoreboard.set(7, "requests", value);
    assertEquals(scoreboard.get(7, "requests"), value + 0);
  }));
  scoreboard.set(7, "lastSpawn", 1_700_000_000.9);
  assertEquals(scoreboard.get(7, "lastSpawn"), 1_700_000_000);
});

Deno.test("increment() and counter() add one to their own cell", () => {
  const scoreboard = board();
  const count = scoreboard.counter(2, "requests");
  const other = scoreboard.counter(3, "requests");
  for (let i = 0; i < 5; i++) count();
  scoreboard.increment(2, "requests");
  scoreboard.increment(2, "exceptions");
  other();
  assertEquals(
    [scoreboard.get(2, "requests"), scoreboard.get(2, "exceptions"), scoreboard.get(3, "requests")],
    [6, 1, 1],
  );
  assertEquals(scoreboard.get(1, "requests"), 0);
});

Deno.test("Scoreboard shows to one view what another one wrote, when they share the memory", () => {
  const memory = new SharedArrayBuffer(SCOREBOARD_BYTES);
  const [one, other] = [new Scoreboard(memory), new Scoreboard(memory)];
  one.counter(1, "requests")();
  other.counter(1, "requests")();
  one.markReady();
  assertEquals(other.get(1, "requests"), 2);
  assert(other.ready);
});

Deno.test("slots is what was set, and touches neither readiness nor a slot", () => {
  const scoreboard = new Scoreboard(new SharedArrayBuffer(SCOREBOARD_BYTES));
  scoreboard.slots = 6;
  assertEquals([scoreboard.slots, scoreboard.ready, scoreboard.get(1, "pid")], [6, false, 0]);
});
