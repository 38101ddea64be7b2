import { assertEquals } from "@std/assert";
import { whyNotHealthy, whyNotReady } from "../../../lib/stats/health.ts";
import type { StatsWorker } from "../../../lib/stats/stats.ts";
import { statsDocument, statsWorker } from "../../helpers/stats_document.ts";

/** A slot whose worker has died so often, and that has no other. */
function down(id: number, deaths: number): StatsWorker {
  const last_leave = "exited with code 1";
  return statsWorker({ id, pid: 0, accepting: 0, state: "none", deaths, last_leave });
}

function ready(...workers: readonly StatsWorker[]): string | null {
  return whyNotReady(statsDocument({ workers }));
}

Deno.test("an instance is ready when all accept, and as long as no more than half of the slots are down", () => {
  assertEquals(ready(statsWorker()), null);
  assertEquals(ready(statsWorker(), down(2, 1)), null);
  assertEquals(ready(statsWorker(), down(2, 1), down(3, 1)), "2 of 3 workers are down");
  assertEquals(ready(down(1, 1)), "1 of 1 workers are down");
  assertEquals(ready(statsWorker({ accepting: 0, state: "paused" })), "1 of 1 workers are down");
});

Deno.test("a slot that is served by an older worker, or whose worker is on its way, is not down", () => {
  assertEquals(ready(statsWorker({ deaths: 5 })), null);
  assertEquals(ready(statsWorker({ accepting: 0, state: "starting" })), null);
});

Deno.test("an instance that sleeps is ready: a connection wakes it", () => {
  const workers = [down(1, 0), down(2, 0)];
  assertEquals(whyNotReady(statsDocument({ workers, wanted: 0 })), null);
  assertEquals(whyNotHealthy(statsDocument({ workers, wanted: 0 })), null);
});

Deno.test("an instance that starts, is paused or stops is not ready, and healthy", () => {
  const cases = [
    [{ phase: "starting", ready: false }, "starting: 1 of 1 workers accept"],
    [{ phase: "running", ready: false }, "starting: 1 of 1 workers accept"],
    [{ paused: true }, "paused"],
    [{ phase: "stopping" }, "stopping"],
    [{ phase: "killing" }, "stopping"],
  ] as const;
  for (const [changes, why] of cases) {
    assertEquals(whyNotReady(statsDocument(changes)), why);
    assertEquals(whyNotHealthy(statsDocument(changes)), null);
  }
});

Deno.test("an instance is not healthy when nothing is left of it, and that has been tried often", () => {
  const healthy = (...workers: readonly StatsWorker[]) => whyNotHealthy(statsDocument({ workers }));
  assertEquals(
    healthy(down(1, 3), down(2, 4)),
    "no worker is left: worker 1 died 3 times in a row, exited with code 1",
  );
  assertEquals(healthy(down(1, 3), down(2, 2)), null);
  assertEquals(healthy(down(1, 3), statsWorker({ id: 2 })), null);
  assertEquals(healthy(statsWorker()), null);
});
