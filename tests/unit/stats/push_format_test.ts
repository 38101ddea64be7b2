import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  carbonLines,
  carbonPrefix,
  countsOf,
  datagramsOf,
  type PushedMetrics,
  socketLines,
  statsdLines,
} from "../../../lib/stats/push_format.ts";

const METRICS: PushedMetrics = {
  "worker.1.requests": { type: 0, oid: "3.1.1", value: 7 },
  "core.busy_workers": { type: 1, oid: "5.3", value: 2 },
  "app.level": { type: 1, oid: "", value: -3 },
  "worker.1.delta_requests": { type: 2, oid: "3.1.2", value: 4 },
};

Deno.test("statsdLines() send by how much counters have grown, and everything else as it is", () => {
  const gauges = ["core.busy_workers:2|g", "app.level:0|g", "app.level:-3|g"];
  const absolute = "worker.1.delta_requests:4|g";
  const counter = "worker.1.requests";
  assertEquals(statsdLines(METRICS, {}, ""), [`${counter}:7|c`, ...gauges, absolute]);
  assertEquals(statsdLines(METRICS, { [counter]: 5 }, "")[0], `${counter}:2|c`);
  assertEquals(statsdLines(METRICS, { [counter]: 7 }, ""), [...gauges, absolute]);
  assertEquals(statsdLines(METRICS, { [counter]: 9 }, ""), [...gauges, absolute]);
  assertEquals(statsdLines(METRICS, {}, "app.x")[0], `app.x.${counter}:7|c`);
  assertEquals(countsOf(METRICS), { [counter]: 7 });
});

Deno.test("what statsd adds up is what was counted, however often it is told", () => {
  fc.assert(fc.property(fc.array(fc.nat(100)), (growth) => {
    let value = 0;
    let pushed = countsOf({ n: { type: 0, oid: "", value } });
    let sum = 0;
    for (const by of growth) {
      value += by;
      const metrics: PushedMetrics = { n: { type: 0, oid: "", value } };
      for (const line of statsdLines(metrics, pushed, "")) sum += parseInt(line.slice(2));
      pushed = countsOf(metrics);
    }
    assertEquals(sum, value);
  }));
});

Deno.test("lines for the pusher socket and for Graphite", () => {
  assertEquals(socketLines(METRICS, "p").slice(0, 2), [
    "p.worker.1.requests 0 7",
    "p.core.busy_workers 1 2",
  ]);
  const prefix = carbonPrefix("uwsgi", "a.example.com", "127.0.0.1:80");
  assertEquals(prefix, "uwsgi.a_example_com.127_0_0_1_80");
  assertEquals(carbonLines(METRICS, prefix, 17)[0], `${prefix}.worker.1.requests 7 17`);
});

Deno.test("datagramsOf() keeps lines whole and in order, and datagrams short", () => {
  const line = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 30 });
  fc.assert(fc.property(fc.array(line), (lines) => {
    const datagrams = datagramsOf(lines, 64);
    assertEquals(datagrams.flatMap((one) => one.split("\n")), lines);
    for (const one of datagrams) assert(one.length <= 64);
  }));
});
