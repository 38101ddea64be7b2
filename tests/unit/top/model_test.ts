import { assert, assertEquals } from "@std/assert";
import { errorsOf, HISTORY_LOOKS } from "../../../lib/top/model.ts";
import type { Stats } from "../../../lib/stats/stats.ts";
import { busyDocument, modelAfter as after } from "../../helpers/busy_instance.ts";
import { latencyOf, statsDocument, statsWorker } from "../../helpers/stats_document.ts";
import { uwsgiDocument } from "../../helpers/uwsgi_document.ts";

Deno.test("nextModel() knows no rates at first, and the response times of all requests", () => {
  const { interval, total, workers } = after(busyDocument(0, 2));
  assertEquals([interval, total.requestsPerSecond, total.history.length], [null, null, 0]);
  assertEquals(workers[0]?.figures.requestsPerSecond, null);
  assert((total.p50Us ?? 0) < 1_000 && (total.p99Us ?? 0) > 1_000, String(total.p99Us));
});

Deno.test("nextModel() computes rates by the clock of the master, for each worker and all", () => {
  const { interval, total, workers } = after(busyDocument(0, 3), busyDocument(2, 3));
  assertEquals(interval, 2);
  assertEquals(workers.map(({ figures }) => figures.requestsPerSecond), [10, 20, 30]);
  assertEquals([total.requestsPerSecond, total.bytesPerSecond], [60, 60 * 1024]);
  assertEquals(total.exceptionsPerSecond, 0);
});

Deno.test("nextModel() counts responses with 5xx as errors, and exceptions where nothing is known of them", () => {
  const responses = (failed: number) => ({ "1xx": 0, "2xx": 9, "3xx": 0, "4xx": 5, "5xx": failed });
  const framework = (requests: number, failed: number, uptime_ms: number) =>
    statsDocument({
      uptime_ms,
      workers: [statsWorker({ id: 1, requests, exceptions: 0, responses: responses(failed) })],
    });
  const { total, workers } = after(framework(10, 1, 1000), framework(20, 5, 3000));
  assertEquals([total.exceptionsPerSecond, total.errorsPerSecond], [0, 2]);
  assertEquals(workers.map(({ seen }) => errorsOf(seen)), [5]);
  const old = after(uwsgiDocument(10));
  assertEquals(old.workers.map(({ seen }) => errorsOf(seen) === seen.exceptions), [true, true]);
});

Deno.test("nextModel() computes them by its own clock where the server has none", () => {
  const { interval, workers } = after(uwsgiDocument(10), uwsgiDocument(25));
  assertEquals([interval, workers[0]?.figures.requestsPerSecond], [1, 15]);
});

Deno.test("nextModel() begins anew with another master, and after a restart of the same one", () => {
  for (const changes of [{ pid: 2000 }, { uptime_ms: 100 }] satisfies Partial<Stats>[]) {
    const model = after(busyDocument(0, 1), busyDocument(1, 1), busyDocument(2, 1, changes));
    assertEquals([model.interval, model.total.requestsPerSecond], [null, null]);
    assertEquals(model.total.history, []);
  }
});

Deno.test("nextModel() knows no rate of a slot that was not there, or whose count fell", () => {
  const grown = after(busyDocument(0, 1), busyDocument(1, 2));
  assertEquals(grown.workers.map(({ figures }) => figures.requestsPerSecond), [10, null]);
  assertEquals(grown.total.requestsPerSecond, 10);
  const worker = (requests: number, uptime_ms: number) =>
    statsDocument({ uptime_ms, workers: [statsWorker({ requests })] });
  assertEquals(after(worker(9, 1000), worker(3, 2000)).total.requestsPerSecond, null);
});

Deno.test("nextModel() takes response times of the last ten looks", () => {
  const at = (seconds: number, slow: number, fast: number) =>
    statsDocument({
      uptime_ms: seconds * 1000,
      workers: [statsWorker({ latency: latencyOf({ 1_000_000: slow, 1000: fast }) })],
    });
  const documents = Array.from({ length: 11 }, (_, i) => at(i + 2, 50, i));
  const fast = after(at(1, 0, 0), ...documents);
  assert((fast.total.p99Us ?? Infinity) <= 1000);
  const slow = after(at(1, 0, 0), ...documents.slice(0, 10));
  assert((slow.total.p99Us ?? 0) > 500_000);
});

Deno.test("nextModel() keeps as much of the past as sparklines need", () => {
  const documents = Array.from({ length: HISTORY_LOOKS + 5 }, (_, i) => busyDocument(i, 1));
  const { history } = after(busyDocument(0, 1), ...documents).total;
  assertEquals([history.length, history.at(-1)], [HISTORY_LOOKS, 10]);
});
