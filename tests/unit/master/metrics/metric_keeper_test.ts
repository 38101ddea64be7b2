/** The metrics of an instance as the master keeps and shows them, on ordinary memory. */
import { assertEquals } from "@std/assert";
import { parseMetricLine } from "../../../../lib/config/values/metric_line.ts";
import type { MetricsConfig } from "../../../../lib/config/options/metrics.ts";
import { MetricKeeper } from "../../../../lib/master/metrics/metric_keeper.ts";
import { SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";
import { MetricTable } from "../../../../lib/shared_memory/metric_table.ts";
import type { Stats } from "../../../../lib/stats/stats.ts";
import { libc } from "../../../../lib/system/libc.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
libc();

const STATS = { workers: [], sockets: [{ queue: 7 }] } as unknown as Stats;

function config(...metrics: string[]): MetricsConfig {
  return {
    enableMetrics: false,
    metrics: metrics.map((text) =>
      parseMetricLine({ option: "metric", text, origin: { file: "a.ini", line: 1 } })
    ),
    metricThresholds: [],
    metricsDir: "",
    metricsDirRestore: false,
    metricsNoCores: true,
  };
}

/** A keeper with this configuration in use, and the table of a worker that runs with it. */
function kept(used: MetricsConfig): { keeper: MetricKeeper; table: MetricTable } {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const keeper = new MetricKeeper({ memory, inherited: [], stats: () => Promise.resolve(STATS) });
  assertEquals(keeper.prepare(used), null);
  keeper.use(used);
  return { keeper, table: new MetricTable(memory, keeper.places(used), () => null) };
}

Deno.test("MetricKeeper shows what workers count, with uWSGI's types", () => {
  const { keeper, table } = kept(config(
    "name=a,initial_value=5,oid=1.2",
    "name=g,type=gauge",
    "name=x,type=absolute",
    "name=h,type=histogram,bounds=10",
    "name=l,type=alias,alias=a",
    "name=q,type=alias,alias=socket.0.listen_queue",
  ));
  table.add("a", 1);
  table.set("g", -3);
  table.observe("h", 4);
  table.observe("h", 40);
  const shown = keeper.show(STATS);
  assertEquals(["a", "g", "x", "h", "l", "q"].map((name) => shown[name]), [
    { type: 0, oid: "1.2", value: 6 },
    { type: 1, oid: "", value: -3 },
    { type: 2, oid: "", value: 0 },
    { type: 0, oid: "", value: 2, histogram: { bounds: [10], buckets: [1, 1], sum: 44 } },
    { type: 3, oid: "", value: 6 },
    { type: 3, oid: "", value: 7 },
  ]);
  assertEquals(shown["socket.0.listen_queue"]?.value, 7);
});

Deno.test("MetricKeeper forgets what a configuration has brought that nobody confirmed", () => {
  const { keeper, table } = kept(config("a"));
  table.add("a", 1);
  const next = config("a", "name=b,initial_value=2");
  assertEquals(keeper.prepare(next), null);
  assertEquals(keeper.records.map(({ name }) => name), ["a", "b"]);
  assertEquals(keeper.prepare(config("a")), null);
  assertEquals(keeper.records.map(({ name }) => name), ["a"]);
  assertEquals(keeper.prepare({ ...next, metricsDir: "/nowhere" })?.slice(0, 12), "Cannot write");
  assertEquals(keeper.records.map(({ name }) => name), ["a"]);
  assertEquals(table.get("a"), 1);
});

Deno.test("MetricKeeper takes away what was pushed, and nothing else", () => {
  const { keeper, table } = kept(config(
    "name=a,initial_value=5,reset_after_push",
    "b",
    "name=h,type=histogram,bounds=10,reset_after_push",
  ));
  for (const name of ["a", "b"]) table.add(name, 3);
  table.observe("h", 4);
  const pushed = keeper.show(STATS);
  table.add("a", 100);
  table.observe("h", 40);
  keeper.pushed(pushed);
  assertEquals([table.get("a"), table.get("b")], [105, 3]);
  assertEquals(table.histogram("h"), { bounds: [10], buckets: [0, 1], sum: 40 });
});

Deno.test("MetricKeeper shows and pushes finite numbers, whatever stands in the memory", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const keeper = new MetricKeeper({ memory, inherited: [], stats: () => Promise.resolve(STATS) });
  const used = config(
    "name=a,reset_after_push",
    "name=h,type=histogram,bounds=10,reset_after_push",
    "name=l,type=alias,alias=a",
  );
  keeper.prepare(used);
  keeper.use(used);
  for (const value of [-1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) {
    new BigInt64Array(memory).fill(value);
    const shown = keeper.show(STATS);
    for (const { value, histogram } of Object.values(shown)) {
      for (const number of [value, ...histogram?.buckets ?? [], histogram?.sum ?? 0]) {
        assertEquals(Number.isFinite(number), true);
      }
    }
    keeper.pushed(shown);
  }
  const wrong = { type: 0, oid: "", value: NaN } as const;
  keeper.pushed({ a: wrong, h: { ...wrong, value: 1e308 }, l: { ...wrong, value: 0.5 } });
});
