/**
 * Runs in the master. Values of metrics that are not to be reached without anybody noticing.
 *
 * @module
 */

import type { ThresholdLine } from "../../config/values/metric_line.ts";
import { checkThreshold } from "../../core/policies/metrics.ts";
import { logLine } from "../log.ts";

/** Logs what is too large, each threshold not more often than it says. */
export class MetricThresholds {
  readonly #loggedAt = new Map<string, number>();

  /**
   * Compares a value with a threshold.
   *
   * @param seconds Now, by a clock of whole seconds.
   * @returns Whether the metric is to be set back.
   */
  compare(threshold: ThresholdLine, value: bigint, seconds: number): boolean {
    const { key, text, alarm, message } = threshold;
    const last = this.#loggedAt.get(text) ?? null;
    const { log, reset } = checkThreshold(threshold, value, last, seconds);
    if (!log) return reset;
    this.#loggedAt.set(text, seconds);
    const standard = `The metric "${key}" is ${value}, and has reached ${threshold.value}`;
    logLine("warning", message === "" ? standard : message, {
      event: "metricThreshold",
      metric: key,
      value: Number(value),
      threshold: Number(threshold.value),
      alarm,
    });
    return reset;
  }
}
