import { assertEquals } from "@std/assert";
import { clockDifference, Timeline } from "../../../../lib/page/browser/timeline.ts";
import type { StatsVerdict } from "../../../../lib/stats/stats.ts";
import { statsDocument } from "../../../helpers/stats_document.ts";

const START = statsDocument().started_on * 1000;

function verdict(changes: Partial<StatsVerdict> = {}): StatsVerdict {
  return {
    kind: "chain",
    outcome: "failed",
    generation: 2,
    at_ms: START + 500,
    took_ms: 38,
    text: "It failed",
    ...changes,
  };
}

Deno.test("a reload is told once, and news only after the first document", () => {
  const timeline = new Timeline();
  const first = statsDocument({ reloads: [verdict()] });
  assertEquals(timeline.add(null, first, START + 10_000), []);
  const second = statsDocument({ reloads: [verdict({ at_ms: START + 9000 }), verdict()] });
  const news = timeline.add(first, second, START + 10_000);
  assertEquals(news.map(({ at, outcome, text }) => [at - START, outcome, text]), [
    [9000, "failed", "It failed"],
  ]);
  assertEquals(timeline.masterEvents.map(({ at }) => at - START), [9000, 500]);
});

Deno.test("a reload stays one when its time is told a little differently", () => {
  const timeline = new Timeline();
  const document = (at_ms: number) => statsDocument({ reloads: [verdict({ at_ms })] });
  timeline.add(null, document(START + 500), START + 10_000);
  assertEquals(timeline.add(document(START + 500), document(START + 501), START + 11_000), []);
  assertEquals(timeline.masterEvents.length, 1);
});

Deno.test("a reload is placed by the browser's clock when the master's is another", () => {
  const timeline = new Timeline();
  const stats = statsDocument({ reloads: [verdict()] });
  timeline.add(null, stats, START + 10_000 + 60_000);
  assertEquals(timeline.masterEvents.map(({ at }) => at - START), [60_500]);
  assertEquals(clockDifference(stats, START + 11_500), 0);
});

Deno.test("another master, the same one with a new program, and a new generation are noticed", () => {
  const titles = (changes: Parameters<typeof statsDocument>[0]) => {
    const timeline = new Timeline();
    timeline.add(null, statsDocument(), START);
    return timeline.add(statsDocument(), statsDocument(changes), START + 1000)
      .map(({ title, outcome }) => [title, outcome]);
  };
  assertEquals(titles({}), []);
  assertEquals(titles({ pid: 77 }), [["New master", "seen"]]);
  assertEquals(titles({ started_on: 77 }), [["New master", "seen"]]);
  assertEquals(titles({ generation: 2 }), [["New generation", "seen"]]);
  const back = verdict({ outcome: "rolled-back", generation: 3 });
  assertEquals(titles({ generation: 2, reloads: [back] }), [["Chain reload", "rolled-back"]]);
  const done = verdict({ outcome: "done" });
  assertEquals(titles({ generation: 2, reloads: [done] }), [["Chain reload", "done"]]);
});
