/** The stats as text. */
import { assertEquals } from "@std/assert";
import type { Stats } from "../../../lib/stats/stats.ts";
import { type StatsForm, statsText } from "../../../lib/stats/stats_text.ts";

const STATS = JSON.parse(
  Deno.readTextFileSync(new URL("../../golden/stats/document.json", import.meta.url)),
) as Stats;

function text(form: Partial<StatsForm>): string {
  return statsText(STATS, {
    statsMinified: false,
    statsNoCores: false,
    statsNoMetrics: false,
    ...form,
  });
}

Deno.test("statsText() has everything, indented with tabs, in the order of the document", () => {
  assertEquals(text({}), JSON.stringify(STATS, null, "\t"));
});

Deno.test("statsText() can be one line, and leave out cores and metrics", () => {
  assertEquals(text({ statsMinified: true }), JSON.stringify(STATS));
  const pruned = JSON.parse(text({ statsNoCores: true, statsNoMetrics: true })) as Stats;
  assertEquals("metrics" in pruned, false);
  assertEquals(pruned.workers.filter((worker) => "cores" in worker), []);
  assertEquals(pruned.workers.map(({ id }) => id), STATS.workers.map(({ id }) => id));
});
