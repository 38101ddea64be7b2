/** uWSGI's own metrics, from the stats. */
import { assert, assertEquals } from "@std/assert";
import { isBuiltinMetric } from "../../../lib/config/values/metric_names.ts";
import { builtinMetrics } from "../../../lib/stats/builtin_metrics.ts";
import { builtinMetric } from "../../../lib/worker/metrics/builtin_metrics.ts";
import { SHARED_BYTES } from "../../../lib/shared_memory/memory_layout.ts";
import { Scoreboard, ScoreboardWriter } from "../../../lib/shared_memory/scoreboard.ts";
import type { Stats } from "../../../lib/stats/stats.ts";

type Numbers = Partial<Stats["workers"][number]>;

/** What metrics read of the stats: two workers and a socket. */
function stats(first: Numbers, second: Numbers): Stats {
  const nothing = {
    requests: 0,
    delta_requests: 0,
    exceptions: 0,
    respawn_count: 0,
    avg_rt: 0,
    tx: 0,
    rss: 0,
    vsz: 0,
    running_time: 0,
    status: "idle",
  };
  return {
    workers: [{ ...nothing, id: 1, ...first }, { ...nothing, id: 2, ...second }],
    sockets: [{ queue: 4 }],
  } as unknown as Stats;
}

Deno.test("builtinMetrics() has each worker, all of them as worker 0, and the sockets", () => {
  const metrics = builtinMetrics(
    stats(
      { requests: 10, avg_rt: 100, tx: 7, rss: 1000, status: "busy", respawn_count: 1 },
      { requests: 5, avg_rt: 201, tx: 8, rss: 500, exceptions: 2, respawn_count: 3 },
    ),
    true,
  );
  assertEquals(metrics["worker.1.requests"], { type: 0, oid: "3.1.1", value: 10 });
  assertEquals(metrics["worker.2.respawns"], { type: 0, oid: "3.2.14", value: 3 });
  assertEquals(metrics["worker.0.requests"]?.value, 15);
  assertEquals(metrics["worker.2.core.0.exceptions"]?.value, 2);
  assertEquals(metrics["core.total_tx"]?.value, 15);
  assertEquals(metrics["rss_size"], { type: 3, oid: "5.101", value: 1500 });
  assertEquals(metrics["core.busy_workers"]?.value, 1);
  assertEquals(metrics["core.idle_workers"]?.value, 1);
  assertEquals(metrics["core.avg_response_time"]?.value, 151);
  assertEquals(metrics["socket.0.listen_queue"], { type: 1, oid: "7.0.1", value: 4 });
});

Deno.test("builtinMetrics() leaves out cores, where that is wanted", () => {
  assert(Object.keys(builtinMetrics(stats({}, {}), true)).some((name) => name.includes(".core.")));
  assert(
    !Object.keys(builtinMetrics(stats({}, {}), false)).some((name) => name.includes(".core.")),
  );
});

Deno.test("the configuration and the worker know the names of builtinMetrics(), and no others", () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const scoreboard = new Scoreboard(memory);
  new ScoreboardWriter(memory).showSlots(2);
  const known = (name: string) => {
    try {
      return builtinMetric(scoreboard, name) !== null;
    } catch (error) {
      return error instanceof Error && error.message.startsWith("Only the master knows");
    }
  };
  for (const name of Object.keys(builtinMetrics(stats({}, {}), true))) {
    assert(isBuiltinMetric(name), name);
    assert(known(name), name);
  }
  const others = ["core", "core.x", "worker.1", "worker.x.requests", "worker.1.core.1.requests"];
  for (const name of [...others, "socket.0", "app.worker.1.requests", "worker.1.requests.x"]) {
    assert(!isBuiltinMetric(name), name);
    assert(!known(name), name);
  }
});
