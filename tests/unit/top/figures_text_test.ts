import { assertEquals } from "@std/assert";
import {
  ageText,
  bar,
  bytesText,
  countText,
  microsecondsText,
  rateText,
  sparkline,
} from "../../../lib/top/figures_text.ts";

Deno.test("numbers have at most five columns", () => {
  const counts: readonly [number, string][] = [
    [0, "0"],
    [999, "999"],
    [1000, "1.0k"],
    [9949, "9.9k"],
    [9951, "10k"],
    [999_499, "999k"],
    [999_700, "1.0M"],
    [12_345_678_901, "12G"],
  ];
  for (const [count, text] of counts) assertEquals(countText(count), text);
  const sizes: readonly [number, string][] = [
    [0, "0"],
    [512, "512B"],
    [1024, "1.0K"],
    [1023.9 * 1024, "1.0M"],
    [60 * 1024 * 1024, "60M"],
  ];
  for (const [bytes, text] of sizes) assertEquals(bytesText(bytes), text);
  const times: readonly [number | null, string][] = [
    [null, "-"],
    [0, "0us"],
    [999.4, "999us"],
    [1000, "1ms"],
    [1234, "1.2ms"],
    [45_600, "46ms"],
    [999_600, "1s"],
    [2_500_000, "2.5s"],
    [10_000_000, ">10s"],
  ];
  for (const [us, text] of times) assertEquals(microsecondsText(us, 10_000_000), text);
  const rates: readonly [number | null, string][] = [
    [null, "-"],
    [0, "0"],
    [0.04, "0.0"],
    [0.25, "0.3"],
    [9.96, "10"],
    [1234, "1.2k"],
  ];
  for (const [rate, text] of rates) assertEquals(rateText(rate), text);
  const ages: readonly [number | null, string][] = [
    [null, "-"],
    [999, "0s"],
    [119_999, "119s"],
    [120_000, "2m"],
    [7_200_000, "2h"],
    [200_000_000, "2d"],
  ];
  for (const [ms, text] of ages) assertEquals(ageText(ms), text);
});

Deno.test("sparkline() ends with the newest value, and is as wide as it may be", () => {
  assertEquals(sparkline([0, 1, 4, 8], 6), "   ▂▅█");
  assertEquals(sparkline([9, 1, 1], 2), "██");
  assertEquals(sparkline([0, 0], 3), "   ");
  assertEquals([sparkline([], 2), sparkline([1], 0)], ["  ", ""]);
});

Deno.test("bar() shows a share, and also a very small one", () => {
  assertEquals([bar(0, 4), bar(0.5, 4), bar(1, 4), bar(9, 4)], ["    ", "██  ", "████", "████"]);
  assertEquals(bar(0.001, 4), "▏   ");
});
