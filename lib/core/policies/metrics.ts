/**
 * How the master works out the value of a metric, and when a threshold is worth a line in the log.
 *
 * @module
 */

/** How the value of a metric comes about, where the master works it out. */
export type MetricCollector =
  /** The number in column `column` (from 0) of the file. */
  | { readonly kind: "file"; readonly path: string; readonly column: number }
  /** `sum`, `avg`, or `accumulator`: what it was, and the sum. */
  | { readonly kind: "sum" | "avg" | "accumulator"; readonly children: readonly string[] }
  /** `adder`: the sum and `amount`; `multiplier`: the sum, times `amount`. */
  | {
    readonly kind: "adder" | "multiplier";
    readonly children: readonly string[];
    readonly amount: bigint;
  };

/** A collector that works with other metrics. */
export type ArithmeticCollector = Exclude<MetricCollector, { readonly kind: "file" }>;

/**
 * The value of a metric after it was collected; it wraps around at 64 bits.
 *
 * @param initial What the metric started with.
 * @param before What it is now.
 * @param children The values of its children.
 */
export function collected(
  collector: ArithmeticCollector,
  initial: bigint,
  before: bigint,
  children: readonly bigint[],
): bigint {
  const sum = children.reduce((total, value) => total + value, 0n);
  return BigInt.asIntN(64, result());

  function result(): bigint {
    switch (collector.kind) {
      case "sum":
        return initial + sum;
      case "avg":
        return initial + sum / BigInt(Math.max(children.length, 1));
      case "accumulator":
        // It has begun with the initial value.
        return before + sum;
      case "adder":
        return initial + sum + collector.amount;
      case "multiplier":
        return initial + sum * collector.amount;
    }
  }
}

/** The whole number in a column of a text, its decimals left out; null: there is none. */
export function numberInColumn(text: string, column: number): bigint | null {
  const word = text.trim().split(/[\s\0]+/)[column] ?? "";
  const digits = /^[+-]?[0-9]{1,19}(?![0-9])/.exec(word)?.[0];
  return digits === undefined ? null : BigInt.asIntN(64, BigInt(digits.replace("+", "")));
}

/** The largest value of a metric. */
const LARGEST = 2n ** 63n - 1n;

/**
 * A number as the value of a metric: its fraction is left out, what goes beyond 64 bits is cut, and what
 * is no number is 0.
 */
export function metricValue(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (Math.abs(value) >= 2 ** 63) return value > 0 ? LARGEST : -LARGEST - 1n;
  return BigInt(Math.trunc(value));
}

/** What a threshold asks for. */
export interface Threshold {
  /** The smallest value that is too large. */
  readonly value: bigint;
  /** Seconds until it is logged again. */
  readonly rate: number;
  /** The metric is set back. */
  readonly reset: boolean;
}

/**
 * What follows from a value.
 *
 * @param loggedAt When the threshold was logged last, in seconds of the same clock as `now`; null: never.
 */
export function checkThreshold(
  threshold: Threshold,
  value: bigint,
  loggedAt: number | null,
  now: number,
): { readonly log: boolean; readonly reset: boolean } {
  if (value < threshold.value) return { log: false, reset: false };
  return { log: loggedAt === null || now - loggedAt >= threshold.rate, reset: threshold.reset };
}

/**
 * What to take away from a value that is to go back to its initial one, so that what has come since it was
 * seen stays. Whoever sets back the same value a second time takes nothing from it.
 *
 * @param seen The value as it was when that was decided.
 * @param now The value as it is.
 */
export function amountToTake(seen: bigint, now: bigint, initial: bigint): bigint {
  if (seen <= initial) return now === seen ? BigInt.asIntN(64, seen - initial) : 0n;
  const left = now < seen ? now : seen;
  return left > initial ? BigInt.asIntN(64, left - initial) : 0n;
}
