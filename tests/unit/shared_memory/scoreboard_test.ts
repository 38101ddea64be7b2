/** The scoreboard, on ordinary memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LATENCY_BUCKETS } from "../../../lib/shared_memory/latency_buckets.ts";
import { ProcessRow, SHARED_BYTES } from "../../../lib/shared_memory/process_row.ts";
import {
  type MasterCell,
  MAX_SLOTS,
  Scoreboard,
  ScoreboardWriter,
} from "../../../lib/shared_memory/scoreboard.ts";
import { add, COUNT_AT, COUNTER_CELLS, LIST_AT } from "../../../lib/shared_memory/counters.ts";

/** Every cell of the master's: a missing one does not compile. */
const CELLS = Object.keys(
  {
    pid: 0,
    accepting: 0,
    generation: 0,
    respawns: 0,
    lastSpawn: 0,
    requestsAtSpawn: 0,
  } satisfies Record<MasterCell, number>,
) as MasterCell[];

/** The scoreboard as a worker reads it, and as the master writes it. */
function board() {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  return { memory, read: new Scoreboard(memory), write: new ScoreboardWriter(memory) };
}

Deno.test("Scoreboard is all zero and not ready, when its memory is new", () => {
  const { read } = board();
  for (const cell of CELLS) assertEquals(read.get(1, cell), 0);
  assertEquals([read.ready, read.slots, read.get(1, "averageTime")], [false, 0, 0]);
});

Deno.test("Scoreboard keeps every cell of every slot apart, up to the last slot", () => {
  const { read, write } = board();
  const value = (slot: number, cell: number) => slot * 100 + cell;
  for (let slot = 1; slot <= MAX_SLOTS; slot++) {
    CELLS.forEach((cell, i) => write.set(slot, cell, value(slot, i)));
  }
  for (let slot = 1; slot <= MAX_SLOTS; slot++) {
    assertEquals(
      CELLS.map((cell) => read.get(slot, cell)),
      CELLS.map((_, i) => value(slot, i)),
    );
  }
  assertEquals(read.ready, false);
});

Deno.test("Scoreboard keeps what is counted apart from cells, up to the last slot", () => {
  const { read, write } = board();
  const counters = Float64Array.from({ length: COUNTER_CELLS }, (_, i) => i + 1);
  for (const slot of [1, 2, MAX_SLOTS]) {
    for (const cell of CELLS) write.set(slot, cell, 77);
    write.showKept(slot, new Float64Array(COUNTER_CELLS).fill(99));
    write.showKept(slot, counters);
  }
  for (const slot of [1, 2, MAX_SLOTS]) {
    assertEquals(CELLS.map((cell) => read.get(slot, cell)), CELLS.map(() => 77));
    const counts = ["requests", "exceptions", "runningTime", "sent", "logLinesLost"] as const;
    assertEquals(counts.map((count) => read.get(slot, count)), [1, 2, 3, 4, COUNTER_CELLS]);
    assertEquals(read.list(slot, "responses"), [5, 6, 7, 8, 9]);
    const expected = Array.from({ length: LATENCY_BUCKETS }, (_, i) => 10 + i);
    assertEquals(read.list(slot, "latency"), expected);
  }
  assertEquals(read.list(3, "latency"), Array(LATENCY_BUCKETS).fill(0));
});

Deno.test("Scoreboard adds up the lanes of a slot that are in use, and no others", () => {
  const { memory, read, write } = board();
  for (const [number, slot] of [[1, 1], [2, 2], [3, 1], [4, 1]] as const) {
    const processRow = new ProcessRow(memory, number);
    processRow.set("slot", slot);
    add(processRow.counters, COUNT_AT.sent, 10 ** number + 0.25);
    add(processRow.counters, LIST_AT.latency, 1);
  }
  write.useProcessRow(3);
  write.useProcessRow(2);
  assertEquals([1, 2, 3].map((slot) => read.get(slot, "sent")), [1010, 100, 0]);
  assertEquals(read.list(1, "latency")[0], 2);
});

Deno.test("averageGauge() writes the average of its slot, and cuts what is too large", () => {
  const { read } = board();
  const show = read.averageGauge(2);
  show(1234);
  assertEquals(read.get(2, "averageTime"), 1234);
  show(5e12);
  assertEquals(read.get(2, "averageTime"), 0x7fff_ffff);
  assertEquals([read.get(2, "requestsAtSpawn"), read.get(2, "requests")], [0, 0]);
  assertEquals([read.get(1, "averageTime"), read.get(3, "averageTime")], [0, 0]);
});

Deno.test("Scoreboard throws, when there is no such slot", () => {
  const { read, write } = board();
  assertThrows(() => write.set(MAX_SLOTS + 1, "pid", 1), RangeError);
  assertThrows(() => read.get(-1, "pid"), RangeError);
});

Deno.test("markReady() makes the instance ready and touches no slot", () => {
  const { read, write } = board();
  write.markReady();
  write.markReady();
  assertEquals([read.ready, read.slots], [true, 0]);
  for (const cell of CELLS) assertEquals(read.get(1, cell), 0);
});

Deno.test("set() keeps whole numbers from 0 on, and cuts fractions off", () => {
  const { read, write } = board();
  fc.assert(fc.property(fc.maxSafeNat(), (value) => {
    write.set(7, "requestsAtSpawn", value);
    assertEquals(read.get(7, "requestsAtSpawn"), value);
  }));
  write.set(7, "lastSpawn", 1_700_000_000.9);
  assertEquals(read.get(7, "lastSpawn"), 1_700_000_000);
});

Deno.test("showSlots() shows how many slots there are, and touches neither readiness nor a slot", () => {
  const { read, write } = board();
  write.showSlots(6);
  assertEquals([read.slots, read.ready, read.get(1, "pid")], [6, false, 0]);
});

Deno.test("Scoreboard reads bounded numbers in bounded time, whatever stands in the memory", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const read = new Scoreboard(memory);
  const [floats, integers] = [new Float64Array(memory), new BigInt64Array(memory)];
  const values = [NaN, Infinity, -Infinity, -1, 1e308, 2 ** 63, -0];
  const fills = [
    ...values.map((value) => () => floats.fill(value)),
    ...[-1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n].map((value) => () => integers.fill(value)),
  ];
  for (const fill of fills) {
    fill();
    // Every process row belongs to this slot.
    for (let processRow = 1; processRow <= 4; processRow++) {
      new ProcessRow(memory, processRow).set("slot", 3);
    }
    const found = [
      ...CELLS.map((cell) => read.get(3, cell)),
      read.get(3, "averageTime"),
      read.get(3, "requests"),
      ...read.list(3, "latency"),
    ];
    for (const value of found) {
      assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value), `${value}`);
    }
    assert(read.slots >= 0 && read.slots <= MAX_SLOTS);
    assertEquals(typeof read.ready, "boolean");
  }
});
