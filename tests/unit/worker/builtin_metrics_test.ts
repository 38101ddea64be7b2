/** duwsgi's own metrics, as a worker reads them. */
import { assertEquals, assertThrows } from "@std/assert";
import { SHARED_BYTES } from "../../../lib/protocol/memory_layout.ts";
import { Scoreboard } from "../../../lib/protocol/scoreboard.ts";
import { type Count, COUNT_AT, TALLY_CELLS } from "../../../lib/protocol/tally.ts";
import { builtinMetric } from "../../../lib/worker/builtin_metrics.ts";

function keep(scoreboard: Scoreboard, slot: number, count: Count, value: number): void {
  const tally = new Float64Array(TALLY_CELLS);
  tally[COUNT_AT[count]] = value;
  scoreboard.keep(slot, tally);
}

function board(): Scoreboard {
  const scoreboard = new Scoreboard(new SharedArrayBuffer(SHARED_BYTES));
  scoreboard.slots = 3;
  keep(scoreboard, 1, "requests", 10);
  scoreboard.set(1, "requestsAtSpawn", 4);
  keep(scoreboard, 3, "requests", 5);
  keep(scoreboard, 3, "exceptions", 2);
  scoreboard.set(1, "averageTime", 10);
  scoreboard.set(3, "averageTime", 30);
  keep(scoreboard, 2, "sent", 900);
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
