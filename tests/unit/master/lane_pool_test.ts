/** Which worker process has which lane. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LanePool } from "../../../lib/master/lane_pool.ts";
import { MAX_LANES, SHARED_BYTES } from "../../../lib/protocol/lane.ts";

function pool(): LanePool {
  return new LanePool(new SharedArrayBuffer(SHARED_BYTES));
}

Deno.test("LanePool gives everybody a lane of their own, which shows nothing of the one before", () => {
  const lanes = pool();
  const [one, two] = [lanes.take(), lanes.take()];
  assert(one.number !== two.number);
  one.lane.set("requests", 5);
  one.lane.showOldest({ since: 3, name: "GET /" });
  two.lane.set("requests", 7);
  lanes.release(one);
  const again = lanes.take();
  assertEquals(again.number, one.number);
  assertEquals([again.lane.get("requests"), again.lane.oldest], [0, null]);
  assertEquals(two.lane.get("requests"), 7);
});

Deno.test("LanePool refuses when all lanes are taken, and goes on when one is free again", () => {
  const lanes = pool();
  const all = Array.from({ length: MAX_LANES }, () => lanes.take());
  assertEquals(new Set(all.map(({ number }) => number)).size, MAX_LANES);
  assertThrows(() => lanes.take(), Error, `There are ${MAX_LANES} worker processes already`);
  for (const freed of all.slice(77, 79)) {
    lanes.release(freed);
    assertEquals(lanes.take().number, freed.number);
  }
});

Deno.test("LanePool keeps a lane that was in use before it, and gives it to nobody else", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const before = new LanePool(memory).take();
  before.lane.set("requests", 9);
  const lanes = new LanePool(memory);
  const kept = lanes.keep(before.number);
  assertEquals(kept.lane.get("requests"), 9);
  assert(lanes.take().number !== kept.number);
  lanes.release(kept);
  assertEquals(lanes.take().number, kept.number);
});
