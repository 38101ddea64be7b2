import { assertEquals, assertRejects } from "@std/assert";
import { nextPollIn, readStats } from "../../../../lib/page/browser/polling.ts";
import { statsDocument } from "../../../helpers/stats_document.ts";

Deno.test("it asks once a second, and ever less often while nobody answers", () => {
  assertEquals([0, 30, 5000].map((took) => nextPollIn(0, took)), [1000, 970, 100]);
  assertEquals([1, 2, 3, 4, 5, 50].map((failures) => nextPollIn(failures, 5000)), [
    1000,
    2000,
    4000,
    8000,
    10_000,
    10_000,
  ]);
});

Deno.test("only a stats document is one", async () => {
  const stats = statsDocument();
  assertEquals(await readStats(Response.json(stats)), stats);
  const others: [Response, string][] = [
    [new Response("gone", { status: 502 }), "it answered with status 502"],
    [new Response("<html>"), "its answer is no stats document"],
    [Response.json({ workers: 3 }), "its answer is no stats document"],
    [Response.json(null), "its answer is no stats document"],
  ];
  for (const [response, why] of others) {
    await assertRejects(() => readStats(response), Error, why);
  }
});
