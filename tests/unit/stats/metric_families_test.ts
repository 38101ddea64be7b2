import { assert, assertEquals } from "@std/assert";
import { type HistogramValue, sampleName } from "../../../lib/stats/exposition.ts";
import { METRIC_ROWS, metricFamilies } from "../../../lib/stats/metric_families.ts";
import { latencyOf, statsDocument, statsWorker } from "../../helpers/stats_document.ts";

const STATS = statsDocument({
  daemons: [{ cmd: "secret --token x", pid: 7, respawns: 2 }],
  sockets: [{
    name: "127.0.0.1:80",
    proto: "http",
    queue: 3,
    max_queue: 100,
    shared: 0,
    can_offload: 0,
    queues: 2,
  }],
  workers: [
    statsWorker({ id: 1, lag_us: 1500, latency: { ...latencyOf({ 1000: 4 }), sum_us: 2500 } }),
    statsWorker({ id: 2, state: "none", accepting: 0, pid: 0 }),
  ],
});

Deno.test("METRIC_ROWS follow the conventions: names, units and endings", () => {
  const names = METRIC_ROWS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const { name, type, unit, help, labels } of METRIC_ROWS) {
    assert(/^duwsgi(_[a-z]+)+$/.test(name), name);
    assert(!/_(total|info|count|sum|bucket)$/.test(name), name);
    assertEquals(/_(seconds|bytes)$/.exec(name)?.[1] ?? "", unit, name);
    assert(/^\S.*\.$/.test(help), name);
    for (const label of labels) assert(/^[a-z]+$/.test(label), name);
    assert(type !== "counter" || sampleName({ name, type }).endsWith("_total"));
  }
});

Deno.test("metricFamilies() have a value for each label, once, and no other labels", () => {
  const families = metricFamilies(STATS);
  assertEquals(families.length, METRIC_ROWS.length);
  families.forEach(({ name, samples }, i) => {
    assert(samples.length > 0, name);
    const keys = samples.map(({ labels }) => JSON.stringify(Object.entries(labels)));
    assertEquals(new Set(keys).size, keys.length, name);
    for (const { labels } of samples) assertEquals(Object.keys(labels), METRIC_ROWS[i]?.labels);
  });
});

Deno.test("metricFamilies() count in seconds, know all states, and tell no commands", () => {
  const families = new Map(metricFamilies(STATS).map((one) => [one.name, one.samples]));
  assertEquals(families.get("duwsgi_worker_event_loop_lag_seconds")?.[0]?.value, 0.0015);
  const duration = families.get("duwsgi_worker_request_duration_seconds")?.[0]?.value;
  const { bounds, sum } = duration as HistogramValue;
  assertEquals([bounds[0], bounds.at(-1), sum], [0.0001, 10, 0.0025]);
  assertEquals(
    families.get("duwsgi_workers")?.map(({ labels, value }) => [labels.state, value]).slice(0, 2),
    [["starting", 0], ["accepting", 1]],
  );
  assert(!JSON.stringify([...families]).includes("secret"));
});
