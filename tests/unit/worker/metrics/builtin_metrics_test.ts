/** duwsgi's own metrics, as a worker reads them. */
import { assertEquals, assertThrows } from "@std/assert";
import { SHARED_BYTES } from "../../../../lib/shared_memory/memory_layout.ts";
import { Scoreboard, ScoreboardWriter } from "../../../../lib/shared_memory/scoreboard.ts";
import { type Count, COUNT_AT, COUNTER_CELLS } from "../../../../lib/shared_memory/counters.ts";
import { builtinMetric } from "../../../../lib/worker/metrics/builtin_metrics.ts";

function keep(
  writer: ScoreboardWriter,
  slot: number,
  counts: Readonly<Partial<Record<Count, number>>>,
): void {
  const counters = new Float64Array(COUNTER_CELLS);
  for (const [name, value] of Object.entries(counts)) counters[COUNT_AT[name as Count]] = value;
  writer.showKept(slot, counters);
}

function board(): Scoreboard {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const [scoreboard, writer] = [new Scoreboard(memory), new ScoreboardWriter(memory)];
  writer.showSlots(3);
  keep(writer, 1, { requests: 10 });
  writer.set(1, "requestsAtSpawn", 4);
  keep(writer, 3, { requests: 5, exceptions: 2 });
  scoreboard.averageGauge(1)(10);
  scoreboard.averageGauge(3)(30);
  keep(writer, 2, { sent: 900 });
  return scoreboard;
}

Deno.test("builtinMetric() reads a worker's numbers, and all of them as worker 0", () => {
  const scoreboard = board();
  const value = (name: string) => builtinMetric(scoreboard, name);
  assertEquals(value("worker.1.requests"), 10);
  assertEquals(value("worker.1.delta_requests"), 6);
  assertEquals(value("worker.0.requests"), 15);
  assertEquals(value("worker.3.core.0.exceptions"), 2);
  assertEquals(value("worker.0.failed_requests"), 2);
  assertEquals(["core.total_tx", "core.avg_response_time", "worker.0.respawns"].map(value), [
    900,
    20,
    0,
  ]);
  assertEquals(["worker.1.avg_response_time", "worker.0.avg_response_time"].map(value), [10, 20]);
  assertEquals(value("core.routed_signals"), 0);
  assertEquals(value("app.requests"), null);
});

Deno.test("builtinMetric() says why it cannot tell", () => {
  const scoreboard = board();
  assertThrows(
    () => builtinMetric(scoreboard, "worker.4.requests"),
    Error,
    'There is no metric "worker.4.requests", because there are only 3 workers',
  );
  assertThrows(
    () => builtinMetric(scoreboard, "socket.0.listen_queue"),
    Error,
    "have it copied with metric = name=copy,collector=sum,children=socket.0.listen_queue",
  );
});

Deno.test("builtinMetric() hands the scoreboard to nobody who has replaced a method of Map", () => {
  const scoreboard = board();
  const before = Map.prototype.get;
  let given: unknown = null;
  Map.prototype.get = () => (board: unknown) => given = board;
  try {
    builtinMetric(scoreboard, "core.total_tx");
    builtinMetric(scoreboard, "worker.1.requests");
  } finally {
    Map.prototype.get = before;
  }
  assertEquals(given, null);
});
