/** How load reports are added up. */
import { assertEquals } from "@std/assert";
import { LoadTotals } from "../../../bench/load_totals.ts";
import { asLoadFailure, LoadFailure } from "../../helpers/load/failure.ts";
import { Tally } from "../../helpers/load/report.ts";

function reportOf(ok: number, lost: readonly Error[]) {
  const counters = new Tally();
  counters.of("close").ok = ok;
  counters.of("close").connections = ok;
  counters.of("close").slowestMs = ok;
  for (const error of lost) counters.fail("close", error);
  return counters.report();
}

Deno.test("LoadTotals adds reports by transport and scenario", () => {
  const reset = new LoadFailure("reset", "gone");
  const totals = new LoadTotals();
  totals.add("TCP", 1000, reportOf(10, [reset]));
  totals.add("TCP", 2000, reportOf(5, [reset, new LoadFailure("timeout", "late")]));
  totals.add("Unix", 2000, reportOf(7, []));
  assertEquals([totals.requests, totals.failed], [25, 3]);
  const [tcp, unix] = totals.rows;
  assertEquals([tcp?.transport, tcp?.scenario, tcp?.ok, tcp?.failed], ["TCP", "close", 15, 3]);
  assertEquals(tcp?.failures, { reset: 2, timeout: 1 });
  assertEquals([tcp?.connections, tcp?.slowestMs], [15, 10]);
  assertEquals([unix?.transport, unix?.ok, unix?.failures], ["Unix", 7, {}]);
});

Deno.test("LoadTotals leaves the reports as they are, when it adds others to them", () => {
  const report = reportOf(1, [new LoadFailure("reset", "gone")]);
  const totals = new LoadTotals();
  totals.add("TCP", 0, report);
  totals.add("TCP", 0, report);
  assertEquals([report.ok, report.failed, report.scenarios.close?.failures], [1, 1, { reset: 1 }]);
});

Deno.test("LoadTotals knows the time of day of each loss", () => {
  const error = asLoadFailure(new Deno.errors.ConnectionReset("gone"));
  const report = reportOf(0, [error]);
  const totals = new LoadTotals();
  totals.add("Unix", 5000, report);
  const [loss] = totals.losses;
  assertEquals([loss?.transport, loss?.kind, loss?.detail], ["Unix", "reset", "gone"]);
  assertEquals(loss?.at, 5000 + (report.examples[0]?.atMs ?? NaN));
});
