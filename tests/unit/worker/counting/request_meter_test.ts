/** What is counted of requests, on ordinary memory and with a clock of the test's own. */
import { assertEquals } from "@std/assert";
import { ProcessRow, SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";
import {
  Scoreboard,
  ScoreboardWriter,
  type SlotCell,
} from "../../../../lib/shared_memory/scoreboard.ts";
import { RequestMeter } from "../../../../lib/worker/counting/request_meter.ts";

const REQUEST = { method: "GET", url: "http://a.example/" };

function setup(memory = new SharedArrayBuffer(SHARED_BYTES), laneNumber = 1) {
  const time = { us: 1_000_000 };
  const scoreboard = new Scoreboard(memory);
  const processRow = new ProcessRow(memory, laneNumber);
  processRow.set("slot", 3);
  new ScoreboardWriter(memory).useProcessRow(laneNumber);
  const clock = () => time.us;
  const meter = new RequestMeter({ scoreboard, slot: 3, processRow, named: false, clock });
  const cells = (...names: SlotCell[]) => names.map((name) => scoreboard.get(3, name));
  return { memory, time, scoreboard, processRow, meter, cells };
}

Deno.test("RequestMeter counts a request when it begins, and its response when that is there", () => {
  const { meter, time, scoreboard, processRow, cells } = setup();
  const [one, two] = [meter.begin(REQUEST), meter.begin(REQUEST)];
  assertEquals([cells("requests", "sent", "runningTime"), processRow.get("inFlight")], [
    [2, 0, 0],
    2,
  ]);
  time.us += 300.7;
  meter.answered(one, 200, 12);
  time.us += 1_000;
  meter.answered(two, 404, 0);
  assertEquals([cells("requests", "sent", "runningTime"), processRow.get("inFlight")], [
    [2, 12, 1_601],
    0,
  ]);
  assertEquals(scoreboard.list(3, "responses"), [0, 1, 0, 1, 0]);
  const buckets = scoreboard.list(3, "latency");
  assertEquals([buckets[2], buckets[4], buckets.reduce((sum, n) => sum + n)], [1, 1, 2]);
});

Deno.test("RequestMeter counts what a handler threw, and the response to it", () => {
  const { meter, scoreboard, processRow, cells } = setup();
  meter.threw(meter.begin(REQUEST));
  assertEquals([cells("requests", "exceptions"), processRow.get("inFlight")], [[1, 1], 0]);
  assertEquals(scoreboard.list(3, "responses"), [0, 0, 0, 0, 0]);
  meter.responded(503, 20);
  assertEquals([scoreboard.list(3, "responses"), cells("sent")], [[0, 0, 0, 0, 1], [20]]);
});

Deno.test("RequestMeter has a place for every class of responses, and none for what is no status", () => {
  const { meter, scoreboard, cells } = setup();
  for (const status of [101, 200, 302, 404, 500, 599]) meter.responded(status, 0);
  for (const status of [0, 99, 600, NaN]) meter.responded(status, 0);
  assertEquals(scoreboard.list(3, "responses"), [1, 1, 1, 1, 2]);
  assertEquals(cells("sent", "requests"), [0, 0]);
  assertEquals(scoreboard.list(3, "latency").reduce((sum, n) => sum + n), 0);
});

Deno.test("RequestMeter counts on where its predecessor was, and while that still runs", () => {
  const old = setup();
  const { meter, cells, time } = setup(old.memory, 2);
  const begun = old.meter.begin(REQUEST);
  const own = meter.begin(REQUEST);
  time.us += 10;
  old.time.us += 20;
  meter.answered(own, 200, 1);
  old.meter.answered(begun, 200, 1);
  assertEquals(cells("requests", "sent", "runningTime"), [2, 2, 30]);
});

Deno.test("RequestMeter has an average that begins with the first time and follows the next ones", () => {
  const { memory, meter, time, cells } = setup();
  const take = (us: number, by = meter, at = time) => {
    const begun = by.begin(REQUEST);
    at.us += us;
    by.answered(begun, 200, 0);
  };
  take(800);
  assertEquals(cells("averageTime"), [800]);
  take(2400);
  assertEquals(cells("averageTime"), [900]);
  for (let i = 0; i < 200; i++) take(50);
  assertEquals(cells("averageTime"), [50]);
  const successor = setup(memory, 2);
  take(1650, successor.meter, successor.time);
  assertEquals(cells("averageTime"), [150]);
});

Deno.test("RequestMeter survives a clock that goes back", () => {
  const { meter, time, cells } = setup();
  const begun = meter.begin(REQUEST);
  time.us -= 5;
  meter.answered(begun, 200, 0);
  assertEquals(cells("runningTime", "averageTime"), [0, 0]);
});
