/** Which cells belong to which metric, also when the configuration changes. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type MetricLine, parseMetricLine } from "../../../../lib/config/values/metric_line.ts";
import { MetricRegistry } from "../../../../lib/master/metrics/metric_registry.ts";
import { METRIC_CELLS, SHARED_BYTES } from "../../../../lib/shared_memory/memory_layout.ts";
import { cellsOf } from "../../../../lib/shared_memory/metric_table.ts";

function lines(...texts: string[]): MetricLine[] {
  return texts.map((text) =>
    parseMetricLine({ option: "metric", text, origin: { file: "a.ini", line: 1 } })
  );
}

const MEMORY = new SharedArrayBuffer(SHARED_BYTES);
const initial = () => null;

Deno.test("MetricRegistry keeps a value as long as its name is there", () => {
  const registry = new MetricRegistry(MEMORY, []);
  const before = lines("a", "name=b,initial_value=5");
  assertEquals(registry.claim(before, initial), null);
  const [a = -1, b = -1] = before.map((line) => registry.cell(line) ?? -1);
  assertEquals(registry.cells[b], 5n);
  registry.cells[a] = 7n;
  const after = lines("c", "name=a,type=gauge,initial_value=100");
  registry.claim(after, initial);
  registry.keepOnly(after);
  assertEquals(after.map((line) => registry.cell(line))[1], a);
  assertEquals(registry.cells[a], 7n);
  assertEquals(registry.records.map(({ name }) => name), ["a", "c"]);
  registry.claim(before, initial);
  const [, again] = registry.places(before);
  assert(again?.kind === "value" && again.cell !== b, "cells are used again as late as possible");
});

Deno.test("MetricRegistry goes on with what another program has given cells to", () => {
  const first = new MetricRegistry(MEMORY, []);
  const all = lines("a", "name=h,type=histogram,bounds=1;2", "b", "name=l,type=alias,alias=a");
  first.claim(all, initial);
  const second = new MetricRegistry(MEMORY, JSON.parse(JSON.stringify(first.records)));
  assertEquals(second.claim(all, () => [1n]), null);
  assertEquals(second.places(all), first.places(all));
});

Deno.test("MetricRegistry takes a histogram with other bounds for another metric", () => {
  const registry = new MetricRegistry(MEMORY, []);
  const before = lines("name=h,type=histogram,bounds=1;2");
  const after = lines("name=h,type=histogram,bounds=1;3");
  registry.claim([...before, ...after], initial);
  const cells = [...before, ...after].map((line) => registry.cell(line));
  assertEquals(new Set(cells).size, 2);
});

Deno.test("MetricRegistry never gives a cell to two metrics, and finds every free one", () => {
  const names = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-f]{1,2}$/), fc.nat(40)), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(fc.array(names, { maxLength: 20 }), (configurations) => {
      const registry = new MetricRegistry(MEMORY, []);
      for (const configuration of configurations) {
        const wanted = lines(...configuration.map(([name, bounds]) => {
          const list = Array.from({ length: bounds }, (_, i) => i).join(";");
          return bounds === 0 ? name : `name=${name},type=histogram,bounds=${list}`;
        }));
        assertEquals(registry.claim(wanted, initial), null);
        registry.keepOnly(wanted);
        const cells = registry.records.flatMap(({ cell, bounds }) =>
          Array.from({ length: cellsOf(bounds) }, (_, i) => cell + i)
        );
        assertEquals(new Set(cells).size, cells.length);
        assert(cells.every((cell) => cell >= 0 && cell < METRIC_CELLS));
        assertEquals(registry.records.length, wanted.length);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("MetricRegistry says when there is no room, and leaves everything as it was", () => {
  const registry = new MetricRegistry(MEMORY, []);
  const bounds = Array.from({ length: 254 }, (_, i) => i).join(";");
  const many = lines(
    ...Array.from(
      { length: METRIC_CELLS / 256 },
      (_, i) => `name=h${i},type=histogram,bounds=${bounds}`,
    ),
  );
  assertEquals(registry.claim(many.slice(1), initial), null);
  assertEquals(
    registry.claim(lines("x", `name=y,type=histogram,bounds=${bounds}`), initial),
    'There is no room for the metric "y": 65536 values are possible',
  );
  assertEquals(registry.records.length, many.length - 1);
  assertEquals(registry.claim(many, initial), null);
});
