/** What collectors make of other metrics and files, and when thresholds are worth a line. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  amountToTake,
  type ArithmeticCollector,
  checkThreshold,
  collected,
  metricValue,
  numberInColumn,
} from "../../../../lib/core/policies/metrics.ts";

const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const NO_CHILDREN = { children: [] };

Deno.test("collected() does what each collector is for", () => {
  const value = (collector: ArithmeticCollector) => collected(collector, 100n, 7n, [2n, 3n, 6n]);
  assertEquals(value({ kind: "sum", ...NO_CHILDREN }), 111n);
  assertEquals(value({ kind: "avg", ...NO_CHILDREN }), 103n);
  assertEquals(value({ kind: "accumulator", ...NO_CHILDREN }), 18n);
  assertEquals(value({ kind: "adder", ...NO_CHILDREN, amount: 4n }), 115n);
  assertEquals(value({ kind: "multiplier", ...NO_CHILDREN, amount: -2n }), 78n);
});

Deno.test("collected() gives 64 bits, whatever the values are", () => {
  const kind = fc.constantFrom("sum", "avg", "accumulator", "adder", "multiplier");
  fc.assert(
    fc.property(
      kind,
      int64,
      int64,
      fc.array(int64),
      int64,
      (kind, initial, before, all, amount) => {
        const collector = { kind, children: [], amount } as ArithmeticCollector;
        const value = collected(collector, initial, before, all);
        assertEquals(BigInt.asIntN(64, value), value);
      },
    ),
  );
});

Deno.test("numberInColumn() finds whole numbers between any space", () => {
  assertEquals(numberInColumn("42\n", 0), 42n);
  assertEquals(numberInColumn("  -1 +2\t3.99\r\n4kB\0", 0), -1n);
  assertEquals(numberInColumn("  -1 +2\t3.99\r\n4kB\0", 1), 2n);
  assertEquals(numberInColumn("  -1 +2\t3.99\r\n4kB\0", 2), 3n);
  assertEquals(numberInColumn("  -1 +2\t3.99\r\n4kB\0", 3), 4n);
  for (const text of ["", "x", "- 1", "1e", "12345678901234567890"]) {
    assertEquals(numberInColumn(text, 0), text === "1e" ? 1n : null, text);
  }
  assertEquals(numberInColumn("1 2", 2), null);
});

Deno.test("numberInColumn() finds what was written, in every column", () => {
  fc.assert(
    fc.property(fc.array(int64, { minLength: 1 }), (numbers) => {
      const text = ` ${numbers.join("\t \n")}\0\0`;
      for (const [i, number] of numbers.entries()) assertEquals(numberInColumn(text, i), number);
    }),
  );
});

Deno.test("checkThreshold() logs at the value and above, not more often than its rate", () => {
  const threshold = { value: 10n, rate: 60, reset: false };
  const log = (value: bigint, loggedAt: number | null, now: number) =>
    checkThreshold(threshold, value, loggedAt, now).log;
  assertEquals(log(9n, null, 1), false);
  assertEquals(log(10n, null, 1), true);
  assertEquals(log(11n, 1, 60), false);
  assertEquals(log(11n, 1, 61), true);
});

Deno.test("checkThreshold() resets each time, also when it does not log", () => {
  const threshold = { value: 10n, rate: 60, reset: true };
  assertEquals(checkThreshold(threshold, 10n, 1, 2), { log: false, reset: true });
  assertEquals(checkThreshold(threshold, 9n, null, 2), { log: false, reset: false });
});

Deno.test("amountToTake() leaves what came since, and takes nothing twice", () => {
  const count = fc.bigInt(0n, 1000n);
  fc.assert(
    fc.property(count, count, count, (initial, counted, since) => {
      const seen = initial + counted;
      const after = seen + since - amountToTake(seen, seen + since, initial);
      assertEquals(after, counted === 0n && since > 0n ? seen + since : initial + since);
      assertEquals(amountToTake(seen, initial, initial), 0n);
    }),
  );
  // Below the initial value it goes up, unless it has changed.
  assertEquals(amountToTake(-3n, -3n, 5n), -8n);
  assertEquals(amountToTake(-3n, -2n, 5n), 0n);
});

Deno.test("metricValue() is a whole number of 64 bits, whatever it is given", () => {
  const cases: readonly [number, bigint][] = [
    [0, 0n],
    [-0, 0n],
    [1.9, 1n],
    [-1.9, -1n],
    [NaN, 0n],
    [Infinity, 2n ** 63n - 1n],
    [-Infinity, -(2n ** 63n)],
    [2 ** 63, 2n ** 63n - 1n],
    [-(2 ** 63), -(2n ** 63n)],
    [1e308, 2n ** 63n - 1n],
    [2 ** 53, 2n ** 53n],
  ];
  for (const [value, expected] of cases) assertEquals(metricValue(value), expected, `${value}`);
  fc.assert(fc.property(fc.double(), (value) => {
    assertEquals(BigInt.asIntN(64, metricValue(value)), metricValue(value));
  }));
});
