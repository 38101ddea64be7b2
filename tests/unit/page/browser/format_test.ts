import { assertEquals } from "@std/assert";
import {
  baseName,
  counted,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatMicros,
  formatRate,
  NO_VALUE,
} from "../../../../lib/page/browser/format.ts";

/** Checks what becomes of each value. */
function table(format: (value: number) => string, cases: readonly [number, string][]): void {
  assertEquals(cases.map(([value]) => [value, format(value)]), cases);
}

Deno.test("rates have as many digits as say something", () => {
  table(formatRate, [
    [0, "0"],
    [0.25, "0.3"],
    [9.94, "9.9"],
    [9.96, "10"],
    [1234.4, "1,234"],
    [9999.6, "10k"],
    [56_740, "56.7k"],
    [1_234_567, "1.23M"],
  ]);
});

Deno.test("times in microseconds have the unit that makes them short", () => {
  table(formatMicros, [
    [0, "0 µs"],
    [85.4, "85 µs"],
    [999.6, "1 ms"],
    [1254, "1.25 ms"],
    [32_940, "32.9 ms"],
    [999_600, "1 s"],
    [10_000_000, "10 s"],
  ]);
  assertEquals(formatMicros(null), NO_VALUE);
});

Deno.test("memory is counted in steps of 1024, and none is not known", () => {
  table(formatBytes, [
    [0, NO_VALUE],
    [512, "512 B"],
    [1023, "1 KB"],
    [64.25 * 2 ** 20, "64.3 MB"],
    [4.1 * 2 ** 30, "4.1 GB"],
  ]);
});

Deno.test("durations have at most two units", () => {
  table(formatDuration, [
    [38, "38 ms"],
    [1900, "1.9 s"],
    [9960, "10 s"],
    [59_400, "59 s"],
    [59_700, "1 min"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [187_200_000, "2 d 4 h"],
  ]);
});

Deno.test("ages have one unit, and counts their plural", () => {
  table(formatAge, [[59_999, "59 s"], [60_000, "1 min"], [90_000_000, "25 h"], [2e8, "2 d"]]);
  assertEquals([counted(1, "worker"), counted(1200, "worker")], ["1 worker", "1,200 workers"]);
  assertEquals(formatCount(-1234), "-1,234");
  assertEquals([baseName("/srv/app.ts"), baseName("app.ts")], ["app.ts", "app.ts"]);
});
