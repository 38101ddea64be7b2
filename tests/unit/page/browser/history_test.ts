import { assertEquals } from "@std/assert";
import { History, KEPT_MS, runsSince } from "../../../../lib/page/browser/history.ts";
import { statsDocument, statsWorker } from "../../../helpers/stats_document.ts";

/** The document after so many milliseconds, with 10 requests per second. */
function documentAfter(ms: number, pid = 1000) {
  const workers = [
    statsWorker({ id: 1, requests: ms / 100, lag_us: 100, rss: 10 }),
    statsWorker({ id: 2, lag_us: 900, rss: 20 }),
    statsWorker({ id: 3, pid: 0, lag_us: 0, rss: 0 }),
  ];
  return statsDocument({ uptime_ms: ms, pid, workers, in_flight: 4 });
}

Deno.test("a reading has what the charts show", () => {
  const past = new History();
  assertEquals(past.add(documentAfter(1000), 1000).rates, null);
  const reading = past.add(documentAfter(2000), 2010);
  assertEquals(reading.rates?.requests, 10);
  assertEquals([reading.lagMedian, reading.lagMost, reading.inFlight], [900, 900, 4]);
  assertEquals([...reading.memory], [[1, 10], [2, 20], [3, 0]]);
});

Deno.test("readings are kept for ten minutes", () => {
  const past = new History();
  for (let at = 0; at <= 2 * KEPT_MS; at += 1000) past.add(documentAfter(at + 1), at);
  assertEquals(past.readings.length, 600);
  assertEquals(past.readings[0]?.at, KEPT_MS + 1000);
});

Deno.test("an answer that was given before is no reading of its own", () => {
  const past = new History();
  past.add(documentAfter(1000), 1000);
  past.add(documentAfter(2000), 2000);
  assertEquals(past.add(documentAfter(2000), 2500).rates?.requests, 10);
  assertEquals(past.readings.length, 2);
});

Deno.test("after a pause or with another master there are no rates at first", () => {
  const past = new History();
  past.add(documentAfter(1000), 1000);
  assertEquals(past.add(documentAfter(9000), 9000).rates, null);
  assertEquals(past.add(documentAfter(10_000), 10_000).rates?.requests, 10);
  assertEquals(past.add(documentAfter(11_000, 2), 11_000).rates, null);
});

Deno.test("readings with a pause between them are different runs, and one is before the edge", () => {
  const past = new History();
  for (const at of [1000, 2000, 3000, 9000, 10_000]) past.add(documentAfter(at), at);
  const runs = runsSince(past.readings, 5000).map((run) => run.map(({ at }) => at));
  assertEquals(runs, [[2000, 3000], [9000, 10_000]]);
});
