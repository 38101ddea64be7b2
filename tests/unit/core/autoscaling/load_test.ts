import { assertEquals } from "@std/assert";
import { isAtWork, lagOf, loadOf } from "../../../../lib/core/autoscaling/load.ts";
import { worker } from "../../../helpers/scaling.ts";

const settings = { busyLagMs: 50, busyRequests: 100 };

Deno.test("loadOf() is the largest of crowd, lag and CPU, and at most 1", () => {
  const load = (more: Parameters<typeof worker>[1], cpu: number | null = 0) =>
    loadOf(worker(1, { requests: 9, ...more }), 8, cpu, settings);
  assertEquals(load({}), 0);
  assertEquals(load({ inFlight: 25 }), 0.25);
  assertEquals(load({ inFlight: 25, loopLagMs: 20 }), 0.4);
  assertEquals(load({ inFlight: 25, loopLagMs: 20 }, 0.4), 0.5);
  assertEquals(load({ inFlight: 250 }), 1);
  assertEquals(load({ loopLagMs: 500 }), 1);
  assertEquals(load({}, 1), 1);
  assertEquals(load({ inFlight: 1 }, null), 0.01);
});

Deno.test("loadOf() does not count requests where cheaper-busy-requests is 0", () => {
  const many = worker(1, { inFlight: 1_000_000 });
  assertEquals(loadOf(many, 1, 0, { ...settings, busyRequests: 0 }), 0);
});

Deno.test("loadOf() is 0 for a worker without requests, whatever else it does", () => {
  const own = worker(1, { requests: 7, loopLagMs: 500 });
  assertEquals(loadOf(own, 7, 1, settings), 0);
});

Deno.test("loadOf() trusts the CPU of a worker that has never counted a request", () => {
  const other = worker(1, { requests: 0 });
  assertEquals(loadOf(other, 0, 0.4, settings), 0.5);
  assertEquals([0.02, 0.03].map((cpu) => isAtWork(other, 0, cpu)), [false, true]);
  assertEquals(isAtWork(other, 0, null), false);
});

Deno.test("lagOf() sees a loop that is blocked, as soon as its heartbeat is overdue", () => {
  const lag = (silentMs: number, loopLagMs: number | null = null) =>
    lagOf(worker(1, { silentMs, loopLagMs }));
  assertEquals([lag(0), lag(5_000), lag(6_000), lag(8_000)], [0, 0, 0, 2_000]);
  assertEquals(lag(3_000, 12), 12);
});
