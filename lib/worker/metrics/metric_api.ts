/**
 * Runs in the worker. The metrics of the `uwsgi` module: declared with `metric` in the configuration, and
 * the same for all processes of the instance.
 *
 * @module
 */

import type { MetricHistogram, MetricTable } from "../../shared_memory/metric_table.ts";
import { instanceOrStandIn } from "../instance.ts";

export type { MetricHistogram } from "../../shared_memory/metric_table.ts";

const { metrics } = instanceOrStandIn();

function table(name: string): MetricTable {
  if (metrics !== null) return metrics;
  throw new Error(
    `There is no metric "${name}", because this instance has none: declare it with metric = ${name}, ` +
      "or set enable-metrics = true for those that duwsgi keeps itself",
  );
}

/**
 * The value of a metric, declared or duwsgi's own, such as `worker.1.requests`; of a histogram, how many
 * values it has. It is exact up to 2^53 (`Number.MAX_SAFE_INTEGER`), and the nearest number beyond.
 *
 * @throws {Error} If there is no such metric (in uWSGI that is 0), or only the master knows its value.
 */
export function metric_get(name: string): number {
  return table(name).get(name);
}

/**
 * Sets a metric. As all of these functions it is atomic, also between processes, and takes a whole
 * number: a safe integer, or a bigint of at most 64 bits.
 *
 * @returns `true`, as uWSGI does.
 * @throws {Error} If there is no such metric, or it is an alias, has a collector, is a histogram, or
 * duwsgi's own. uWSGI returns None then.
 * @throws {RangeError} If the value is no whole number of at most 64 bits.
 */
export function metric_set(name: string, value: number | bigint): true {
  return table(name).set(name, value);
}

/**
 * Adds to a metric; the errors are those of {@linkcode metric_set}. Beyond 64 bits it wraps around, as
 * in uWSGI.
 *
 * @param value How much. @default 1
 */
export function metric_inc(name: string, value: number | bigint = 1): true {
  return table(name).add(name, value);
}

/**
 * Subtracts from a metric; the errors are those of {@linkcode metric_set}. Beyond 64 bits it wraps
 * around.
 *
 * @param value How much. @default 1
 */
export function metric_dec(name: string, value: number | bigint = 1): true {
  return table(name).subtract(name, value);
}

/**
 * Multiplies a metric; the errors are those of {@linkcode metric_set}. Beyond 64 bits it wraps around.
 *
 * @param factor By how much. @default 1
 */
export function metric_mul(name: string, factor: number | bigint = 1): true {
  return table(name).multiply(name, factor);
}

/**
 * Divides a metric, towards zero; the errors are those of {@linkcode metric_set}.
 *
 * @param divisor By how much. @default 1
 * @throws {RangeError} If it is 0. uWSGI returns None then.
 */
export function metric_div(name: string, divisor: number | bigint = 1): true {
  return table(name).divide(name, divisor);
}

/** Sets a metric if the value is larger; the errors are those of {@linkcode metric_set}. */
export function metric_set_max(name: string, value: number | bigint): true {
  return table(name).raise(name, value);
}

/**
 * Sets a metric if the value is smaller; the errors are those of {@linkcode metric_set}. Unlike in
 * uWSGI the value may be less than the initial one.
 */
export function metric_set_min(name: string, value: number | bigint): true {
  return table(name).lower(name, value);
}

/**
 * Counts a value in a histogram (`metric = name=…,type=histogram,bounds=…`); uWSGI has none. The value
 * goes to the first bucket whose bound it does not exceed.
 *
 * @throws {Error} If there is no such histogram.
 * @throws {RangeError} If the value is no whole number of at most 64 bits.
 */
export function metric_observe(name: string, value: number | bigint): true {
  return table(name).observe(name, value);
}

/**
 * What a histogram has counted in all processes.
 *
 * @throws {Error} If there is no such histogram.
 */
export function metric_histogram(name: string): MetricHistogram {
  return table(name).histogram(name);
}
