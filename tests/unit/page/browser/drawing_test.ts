import { assert, assertEquals } from "@std/assert";
import { CHART_PLANS, type ChartPlan } from "../../../../lib/page/browser/chart_plans.ts";
import {
  draw,
  type Frame,
  MARGIN,
  nearestReading,
  timeAt,
  xOf,
} from "../../../../lib/page/browser/drawing.ts";
import { History } from "../../../../lib/page/browser/history.ts";
import { MadeUpInstance } from "../../../helpers/made_up_instance.ts";

const FRAME: Frame = { width: 400, height: 160, from: 0, to: 60_000 };

/** The readings of a minute, and the last document. */
function minute(workers: number) {
  const instance = new MadeUpInstance(workers, 0);
  const past = new History();
  for (let at = 1000; at <= 60_000; at += 1000) {
    instance.advance(at);
    past.add(instance.document(), at);
  }
  return { readings: past.readings, stats: instance.document() };
}

function plan(id: string): ChartPlan {
  const found = CHART_PLANS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`There is no chart "${id}"`);
  return found;
}

Deno.test("every chart draws what a minute was like, within its frame", () => {
  for (const workers of [1, 4, 64]) {
    const { readings, stats } = minute(workers);
    for (const one of CHART_PLANS) {
      const series = one.series(stats);
      const { series: drawn, ticks } = draw(one, series, readings, FRAME);
      assertEquals(drawn.length, series.length, one.id);
      assert(series.length <= 16, `${one.id}: ${series.length} series`);
      assert(ticks.length >= 2 && new Set(ticks.map(({ label }) => label)).size === ticks.length);
      for (const { line, area } of drawn) {
        const numbers = `${line}${area}`.match(/-?[\d.]+/g)?.map(Number) ?? [];
        assert(numbers.length > 100, `${one.id} draws too little`);
        assert(numbers.every((number) => number >= 0 && number <= FRAME.width), one.id);
      }
    }
  }
});

Deno.test("bands are upon each other, and the axis has room for all of them", () => {
  const { readings, stats } = minute(2);
  const memory = plan("memory");
  const { series, most } = draw(memory, memory.series(stats), readings, FRAME);
  const tops = series.map(({ line }) => Number(/^M[\d.]+,([\d.]+)/.exec(line)?.[1]));
  assert((tops[1] ?? 0) < (tops[0] ?? 0));
  const sums = readings.map((one) => [...one.memory.values()].reduce((sum, rss) => sum + rss, 0));
  assertEquals(Math.round(most), Math.round(Math.max(...sums)));
});

Deno.test("figures are those of the reading, and a status that nobody got is left out", () => {
  const { readings, stats } = minute(4);
  const last = readings.at(-1);
  if (last === undefined) throw new Error("There is no reading");
  const names = (id: string) =>
    plan(id).figures(last, plan(id).series(stats), stats).map(({ name }) => name);
  assertEquals(names("requests"), ["all", "2xx", "3xx", "4xx", "5xx"]);
  assertEquals(names("latency"), ["p50", "p99"]);
  assertEquals(names("queue"), ["127.0.0.1:8080", "/run/shop/app.sock"]);
  assert(names("memory")[1]?.startsWith("largest (worker "));
});

Deno.test("many sockets share the last line", () => {
  const { stats } = minute(1);
  const [socket] = stats.sockets;
  if (socket === undefined) throw new Error("There is no socket");
  const sockets = Array.from({ length: 9 }, (_, index) => ({ ...socket, name: `:${index}` }));
  const series = plan("queue").series({ ...stats, sockets });
  assertEquals(series.map(({ name }) => name), [":0", ":1", ":2", ":3", "longest of 5 more"]);
});

Deno.test("places and times belong together, and the nearest reading is found", () => {
  assertEquals([xOf(FRAME, 0), xOf(FRAME, 60_000)], [MARGIN.left, FRAME.width - MARGIN.right]);
  assertEquals(Math.round(timeAt(FRAME, xOf(FRAME, 12_345))), 12_345);
  const { readings } = minute(1);
  assertEquals(nearestReading(readings, 30_400)?.at, 30_000);
  assertEquals(nearestReading([], 30_400), null);
});
