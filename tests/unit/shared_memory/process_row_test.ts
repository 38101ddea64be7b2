/** Process rows, on ordinary memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  MasterClock,
  MAX_PROCESS_ROWS,
  NAME_BYTES,
  type ProcessCell,
  ProcessRow,
  SHARED_BYTES,
} from "../../../lib/shared_memory/process_row.ts";
import { MAX_SLOTS, Scoreboard, ScoreboardWriter } from "../../../lib/shared_memory/scoreboard.ts";
import { COUNT_AT, COUNTER_CELLS } from "../../../lib/shared_memory/counters.ts";

const CELLS: readonly ProcessCell[] = ["slot", "inFlight", "oldestSince", "userDeadline"];

Deno.test("a new lane shows nothing, and there is none beyond the last one", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const processRow = new ProcessRow(memory, MAX_PROCESS_ROWS);
  assertEquals(CELLS.map((cell) => processRow.get(cell)), [0, 0, 0, 0]);
  assertEquals(processRow.oldest, null);
  for (const number of [0, -1, MAX_PROCESS_ROWS + 1, NaN]) {
    assertThrows(() => new ProcessRow(memory, number), RangeError);
  }
});

Deno.test("lanes, their clock and the scoreboard do not touch each other", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const scoreboard = new Scoreboard(memory);
  new ScoreboardWriter(memory).set(MAX_SLOTS, "generation", 5);
  const clock = new MasterClock(memory);
  clock.tick();
  const name = "x".repeat(2 * NAME_BYTES);
  const processRows = [1, 2, 3, MAX_PROCESS_ROWS].map((number) => new ProcessRow(memory, number));
  processRows.forEach((processRow, i) => {
    CELLS.forEach((cell, j) => processRow.set(cell, 10 * i + j + 1));
    processRow.showOldest({ since: i + 1, name });
    processRow.counters.fill(i + 0.5);
  });
  processRows.forEach((processRow, i) => {
    assertEquals(processRow.oldest, { since: i + 1, name: "x".repeat(NAME_BYTES) });
    assertEquals(processRow.counters, new Float64Array(COUNTER_CELLS).fill(i + 0.5));
    assertEquals(processRow.get("slot"), 10 * i + 1);
    assertEquals(processRow.get("userDeadline"), 10 * i + 4);
  });
  processRows[1]?.reset();
  assertEquals(processRows[1]?.oldest, null);
  assertEquals(CELLS.map((cell) => processRows[1]?.get(cell)), [0, 0, 0, 0]);
  assertEquals([processRows[1]?.counters[0], processRows[2]?.counters[0]], [0, 2.5]);
  assertEquals(processRows[2]?.get("slot"), 21);
  assertEquals([clock.now, scoreboard.get(MAX_SLOTS, "generation")], [1, 5]);
});

Deno.test("a lane shows to one process what another one wrote", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [worker, master] = [new ProcessRow(memory, 9), new ProcessRow(memory, 9)];
  const count = worker.setter("inFlight");
  count(3);
  worker.showOldest({ since: 4, name: "GET /ä" });
  assertEquals([master.get("inFlight"), master.oldest], [3, { since: 4, name: "GET /ä" }]);
  worker.showOldest(null);
  assertEquals(master.oldest, null);
  new MasterClock(memory).tick();
  assertEquals([worker.clock.now, master.clock.now], [1, 1]);
});

Deno.test("a name that was longer leaves nothing behind", () => {
  const processRow = new ProcessRow(new SharedArrayBuffer(SHARED_BYTES), 1);
  const name = fc.string({ unit: fc.constantFrom("a", "/", "é", "😀"), maxLength: 60 });
  fc.assert(fc.property(name, fc.integer({ min: 1 }), (text, since) => {
    processRow.showOldest({ since, name: text });
    const known = new TextEncoder().encode(text).length <= NAME_BYTES;
    if (known) assertEquals(processRow.oldest, { since, name: text });
    else assertEquals(text.startsWith(processRow.oldest?.name ?? "?"), true);
  }));
});

Deno.test("a lane gives bounded numbers and short names, whatever stands in it", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [processRow, cells] = [new ProcessRow(memory, 1), new Int32Array(memory)];
  for (const value of [-1, -(2 ** 31), 2 ** 31 - 1, 2, 0x7ff8_0000]) {
    cells.fill(value);
    for (const cell of CELLS) assertEquals(processRow.get(cell), Math.max(0, value));
    // An odd version is one that is being written.
    if (value % 2 !== 0) assertEquals(processRow.oldest, null);
    const { since = 0, name = "" } = processRow.oldest ?? {};
    assert(since >= 0 && new TextEncoder().encode(name).length <= 3 * NAME_BYTES);
  }
});

Deno.test("the master's clock goes on, whatever stands in the memory", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [clock, cells] = [new MasterClock(memory, 40), new Int32Array(memory)];
  cells.fill(-7);
  assertEquals([clock.ticks, clock.tick(), clock.now], [40, 41, 41]);
  cells.fill(2 ** 31 - 1);
  assertEquals([clock.tick(), clock.ticks], [42, 42]);
});

Deno.test("counter() adds to one count of its lane", () => {
  const processRow = new ProcessRow(new SharedArrayBuffer(SHARED_BYTES), 1);
  const count = processRow.counter("logLinesLost");
  count();
  count(3);
  assertEquals([...processRow.counters].filter((value) => value !== 0), [4]);
  assertEquals(processRow.counters[COUNT_AT.logLinesLost], 4);
});

Deno.test("a script that replaces methods does not choose what is written to a lane, or how much is counted", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [processRow, cells] = [new ProcessRow(memory, 1), new Int32Array(memory)];
  const { indexOf } = Array.prototype;
  const bigInt = BigInt;
  Array.prototype.indexOf = () => 0;
  Reflect.set(globalThis, "BigInt", () => 2n ** 50n);
  Reflect.set(Object.prototype, "unknown", 0);
  try {
    processRow.set("userDeadline", 77);
    processRow.counter("logLinesLost")();
  } finally {
    Array.prototype.indexOf = indexOf;
    Reflect.set(globalThis, "BigInt", bigInt);
    Reflect.deleteProperty(Object.prototype, "unknown");
  }
  assertEquals([processRow.get("userDeadline"), processRow.get("slot")], [77, 0]);
  assertEquals(processRow.counters[COUNT_AT.logLinesLost], 1);
  // A number of 64 bits is two of these, of which the low one of 1 is 0.
  assertEquals([...cells].filter((cell) => cell !== 0).length, 2);
});
