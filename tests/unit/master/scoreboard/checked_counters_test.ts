/** What is believed of counters. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CheckedCounters } from "../../../../lib/master/scoreboard/checked_counters.ts";
import { COUNT_AT, COUNTER_CELLS } from "../../../../lib/shared_memory/counters.ts";

function setup() {
  const time = { ms: 5_000 };
  const shared = new Float64Array(COUNTER_CELLS);
  const counters = new CheckedCounters(shared, () => time.ms);
  return { time, shared, counters };
}

Deno.test("CheckedCounters follows what is counted, fractions included", () => {
  const { shared, counters } = setup();
  for (const value of [0, 1, 1.5, 70_000]) {
    shared[COUNT_AT.runningTime] = value;
    assertEquals(counters.read(COUNT_AT.runningTime), value);
  }
  shared[COUNT_AT.requests] = 3.9;
  assertEquals(counters.requests, 3);
});

Deno.test("CheckedCounters keeps what it has seen, when a cell falls or holds what is no count", () => {
  const { shared, counters } = setup();
  shared[COUNT_AT.requests] = 12;
  assertEquals(counters.requests, 12);
  for (const value of [NaN, Infinity, -Infinity, -1, -0, 11, 2 ** 53, 2 ** 63, 1e308]) {
    shared[COUNT_AT.requests] = value;
    assertEquals(counters.requests, 12, String(value));
  }
  shared[COUNT_AT.requests] = 13;
  assertEquals(counters.requests, 13);
});

Deno.test("CheckedCounters takes no more than a process can count in its time, and more later", () => {
  const { time, shared, counters } = setup();
  shared[COUNT_AT.requests] = 1e9;
  assertEquals(counters.requests, 0);
  time.ms += 10 * 60_000;
  assertEquals(counters.requests, 0);
  time.ms += 10 * 60_000;
  assertEquals(counters.requests, 1e9);
  // A worker that has sent 10 gigabytes per second for an hour is believed.
  shared[COUNT_AT.sent] = 3_600e10;
  time.ms += 60 * 60_000;
  assertEquals(counters.read(COUNT_AT.sent), 3_600e10);
});

Deno.test("CheckedCounters goes on where another program of the master was", () => {
  const { time, shared, counters } = setup();
  shared[COUNT_AT.requests] = 5;
  time.ms += 7_000;
  const { record } = counters;
  assertEquals([record.seen[COUNT_AT.requests], record.ageMs], [5, 7_000]);
  shared[COUNT_AT.requests] = 2;
  const next = new CheckedCounters(shared, () => 0, JSON.parse(JSON.stringify(record)));
  assertEquals(next.requests, 5);
  shared[COUNT_AT.requests] = 6;
  assertEquals([next.requests, next.record.ageMs], [6, 7_000]);
});

Deno.test("CheckedCounters never falls and is never more than 2^53 - 1, whatever is written", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.double(), fc.maxSafeNat())), (writes) => {
    const { time, shared, counters } = setup();
    let before = 0;
    for (const [value, ms] of writes) {
      shared.fill(value);
      time.ms += ms;
      const now = counters.read(COUNT_AT.sent);
      assert(now >= before && now <= Number.MAX_SAFE_INTEGER);
      before = now;
    }
  }));
});
