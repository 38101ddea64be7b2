/** Lanes, on ordinary memory. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  Lane,
  type LaneCell,
  LaneClock,
  MAX_LANES,
  NAME_BYTES,
  SHARED_BYTES,
} from "../../../lib/protocol/lane.ts";
import { MAX_SLOTS, Scoreboard } from "../../../lib/protocol/scoreboard.ts";
import { TALLY_CELLS } from "../../../lib/protocol/tally.ts";

const CELLS: readonly LaneCell[] = ["slot", "inFlight", "oldestSince", "userDeadline"];

Deno.test("a new lane shows nothing, and there is none beyond the last one", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const lane = new Lane(memory, MAX_LANES);
  assertEquals(CELLS.map((cell) => lane.get(cell)), [0, 0, 0, 0]);
  assertEquals(lane.oldest, null);
  for (const number of [0, -1, MAX_LANES + 1, NaN]) {
    assertThrows(() => new Lane(memory, number), RangeError);
  }
});

Deno.test("lanes, their clock and the scoreboard do not touch each other", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const scoreboard = new Scoreboard(memory);
  scoreboard.set(MAX_SLOTS, "generation", 5);
  const clock = new LaneClock(memory);
  clock.tick();
  const name = "x".repeat(2 * NAME_BYTES);
  const lanes = [1, 2, 3, MAX_LANES].map((number) => new Lane(memory, number));
  lanes.forEach((lane, i) => {
    CELLS.forEach((cell, j) => lane.set(cell, 10 * i + j + 1));
    lane.showOldest({ since: i + 1, name });
    lane.tally.fill(i + 0.5);
  });
  lanes.forEach((lane, i) => {
    assertEquals(lane.oldest, { since: i + 1, name: "x".repeat(NAME_BYTES) });
    assertEquals(lane.tally, new Float64Array(TALLY_CELLS).fill(i + 0.5));
    assertEquals(lane.get("slot"), 10 * i + 1);
    assertEquals(lane.get("userDeadline"), 10 * i + 4);
  });
  lanes[1]?.reset();
  assertEquals(lanes[1]?.oldest, null);
  assertEquals(CELLS.map((cell) => lanes[1]?.get(cell)), [0, 0, 0, 0]);
  assertEquals([lanes[1]?.requests, lanes[2]?.requests], [0, 2.5]);
  assertEquals(lanes[2]?.get("slot"), 21);
  assertEquals([clock.now, scoreboard.get(MAX_SLOTS, "generation")], [1, 5]);
});

Deno.test("a lane shows to one process what another one wrote", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [worker, master] = [new Lane(memory, 9), new Lane(memory, 9)];
  const count = worker.setter("inFlight");
  count(3);
  worker.showOldest({ since: 4, name: "GET /ä" });
  assertEquals([master.get("inFlight"), master.oldest], [3, { since: 4, name: "GET /ä" }]);
  worker.showOldest(null);
  assertEquals(master.oldest, null);
  new LaneClock(memory).tick();
  assertEquals([worker.clock.now, master.clock.now], [1, 1]);
});

Deno.test("a name that was longer leaves nothing behind", () => {
  const lane = new Lane(new SharedArrayBuffer(SHARED_BYTES), 1);
  const name = fc.string({ unit: fc.constantFrom("a", "/", "é", "😀"), maxLength: 60 });
  fc.assert(fc.property(name, fc.integer({ min: 1 }), (text, since) => {
    lane.showOldest({ since, name: text });
    const known = new TextEncoder().encode(text).length <= NAME_BYTES;
    if (known) assertEquals(lane.oldest, { since, name: text });
    else assertEquals(text.startsWith(lane.oldest?.name ?? "?"), true);
  }));
});
