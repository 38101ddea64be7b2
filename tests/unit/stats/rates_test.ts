import { assertEquals } from "@std/assert";
import { ratesBetween } from "../../../lib/stats/rates.ts";
import { latencyOf, statsDocument, statsWorker } from "../../helpers/stats_document.ts";

const NONE = { "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 };

Deno.test("rates are what was counted between two documents, by the master's own clock", () => {
  const before = statsDocument({
    workers: [
      statsWorker({ id: 1, requests: 100, latency: latencyOf({ 1000: 100 }) }),
      statsWorker({ id: 2, requests: 7 }),
    ],
  });
  const after = statsDocument({
    uptime_ms: before.uptime_ms + 2000,
    workers: [
      statsWorker({
        id: 1,
        requests: 300,
        responses: { ...NONE, "2xx": 180, "5xx": 20 },
        latency: latencyOf({ 1000: 200, 5000: 100 }),
      }),
      statsWorker({ id: 2, requests: 7 }),
    ],
  });
  const rates = ratesBetween(before, after);
  assertEquals(rates?.seconds, 2);
  assertEquals(rates?.requests, 100);
  assertEquals(rates?.responses, { ...NONE, "2xx": 90, "5xx": 10 });
  assertEquals([rates?.p50_us, rates?.p99_us], [1000, 4950]);
  assertEquals(rates?.workers.get(1)?.requests, 100);
  assertEquals(rates?.workers.get(2), {
    requests: 0,
    responses: NONE,
    p50_us: null,
    p99_us: null,
  });
});

Deno.test("documents of two masters, or of one moment, have no rates", () => {
  const before = statsDocument();
  const later = before.uptime_ms + 1000;
  assertEquals(ratesBetween(before, statsDocument({ uptime_ms: later, pid: 2 })), null);
  assertEquals(ratesBetween(before, statsDocument({ uptime_ms: later, started_on: 2 })), null);
  assertEquals(ratesBetween(before, before), null);
});

Deno.test("a slot that was not there before has no rates yet, and a count that falls is none", () => {
  const before = statsDocument({ workers: [statsWorker({ id: 1, requests: 50 })] });
  const after = statsDocument({
    uptime_ms: before.uptime_ms + 1000,
    workers: [statsWorker({ id: 1, requests: 40 }), statsWorker({ id: 2, requests: 1000 })],
  });
  const rates = ratesBetween(before, after);
  assertEquals(rates?.requests, 0);
  assertEquals([...rates?.workers.keys() ?? []], [1]);
});
