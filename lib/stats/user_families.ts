/**
 * What `/metrics` says about the metrics of the script.
 *
 * @module
 */

import { exportedName, type ExportedType } from "../prometheus_name.ts";
import { builtinMetrics } from "./builtin_metrics.ts";
import type { Family, Sample } from "./exposition.ts";
import type { Stats, StatsMetric } from "./stats.ts";

/** All of them with their values, in the order in which they were declared. */
export function userFamilies(stats: Stats): Family[] {
  const own = builtinMetrics(stats, true);
  return Object.entries(stats.metrics ?? {}).flatMap(([name, metric]) => {
    // A counter that was set below 0 is none that Prometheus would take.
    if (Object.hasOwn(own, name) || (metric.type === 0 && metric.value < 0)) return [];
    const type = exportedType(metric);
    const value = valueOf(metric);
    const help = `The metric ${name}.`;
    return [{
      name: exportedName(name, type),
      type,
      unit: "",
      help,
      samples: [{ labels: {}, value }],
    }];
  });
}

function exportedType({ type, histogram }: StatsMetric): ExportedType {
  if (histogram !== undefined) return "histogram";
  return type === 0 ? "counter" : "gauge";
}

function valueOf({ value, histogram }: StatsMetric): Sample["value"] {
  if (histogram === undefined) return value;
  const { bounds, buckets, sum } = histogram;
  return { bounds, counts: buckets, sum };
}
