/** What the bench of losses makes of its situations. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { LoadTotals } from "../../../bench/load_totals.ts";
import { eventsBefore, grouped, targetsOf } from "../../../bench/loss_load.ts";
import { findings, type Outcome } from "../../../bench/losses.ts";
import { LoadFailure } from "../../helpers/load/failure.ts";
import { Tally } from "../../helpers/load/report.ts";

function outcome(lost: number, changes: number, error: Error | null = null): Outcome {
  const counters = new Tally();
  counters.of("close").ok = 10;
  for (let i = 0; i < lost; i++) counters.fail("close", new LoadFailure("reset", "gone"));
  const totals = new LoadTotals();
  totals.add("TCP", 0, counters.report());
  return { situation: { name: "exec", changes: "replacements" }, totals, changes, error };
}

Deno.test("findings() reaches its goals only with no loss, enough changes and none that failed", () => {
  const reached = (one: Outcome) => findings([one], 5).goals.map((goal) => goal.reached);
  assertEquals(reached(outcome(0, 5)), [true, true]);
  assertEquals(reached(outcome(1, 5)), [false, true]);
  assertEquals(reached(outcome(0, 4)), [true, false]);
  assertEquals(reached(outcome(0, 5, new Error("gone"))), [true, false]);
});

Deno.test("findings() has one row for each situation", () => {
  const { text } = findings([outcome(2, 1_500)], 5);
  assertStringIncludes(text, "| exec | 1,500 replacements | 12 | 2 |");
});

Deno.test("eventsBefore() finds what was logged around a loss", () => {
  const events = [0, 7_999, 8_001, 10_400, 10_500].map((at) => (
    { event: "", at, message: String(at), fields: {} }
  ));
  assertEquals(eventsBefore(10_000, events).map(({ at }) => at), [8_001, 10_400]);
});

Deno.test("targetsOf() tells the TCP socket and the Unix socket apart", () => {
  assertEquals(targetsOf(["127.0.0.1:4321", "/run/app.sock"]), [
    ["TCP", { hostname: "127.0.0.1", port: 4321 }],
    ["Unix", { transport: "unix", path: "/run/app.sock" }],
  ]);
});

Deno.test("grouped() groups thousands", () => {
  assertEquals([999, 1_326_003].map(grouped), ["999", "1,326,003"]);
});
