import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { areaPath, axisFor, linePath } from "../../../../lib/page/browser/scale.ts";

Deno.test("an axis has steps that people count in", () => {
  assertEquals(axisFor("decimal", [1700], 4).ticks, [0, 1000, 2000]);
  assertEquals(axisFor("decimal", [23], 4).ticks, [0, 10, 20, 30]);
  assertEquals(axisFor("decimal", [], 4).ticks, [0, 2, 4]);
  assertEquals(axisFor("binary", [200 * 2 ** 20], 1).ticks, [0, 1, 2].map((n) => n * 2 ** 27));
  assertEquals(axisFor("log", [1600, 33_000], 1000).ticks, [1000, 10_000, 100_000]);
  assertEquals(axisFor("log", [], 1000).ticks, [1000, 10_000, 100_000]);
});

Deno.test("every value has its place between the ends of its axis", () => {
  const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1 });
  const kinds = fc.constantFrom("decimal", "binary", "log");
  fc.assert(fc.property(kinds, values, (kind, list) => {
    const { ticks, share } = axisFor(kind, list, 1000);
    assert(ticks.length >= 2 && ticks.length <= 20);
    for (const value of list) assert(share(value) >= 0 && share(value) <= 1 + 1e-9);
  }));
});

Deno.test("lines and areas are drawn run by run, and a single point is a dot", () => {
  const run = [{ x: 0, y: 1 }, { x: 10, y: 2.25 }];
  assertEquals(linePath([run, [{ x: 20, y: 3 }], []]), "M0.0,1.0L10.0,2.3M20.0,3.0h0.01");
  const floor = [{ x: 0, y: 9 }, { x: 10, y: 9 }];
  assertEquals(areaPath([run], [floor]), "M0.0,1.0L10.0,2.3L10.0,9.0L0.0,9.0Z");
});
