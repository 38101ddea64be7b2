/**
 * What must hold between metrics, and between them and what refers to them.
 *
 * @module
 */

import type { MetricLine, ThresholdLine } from "../values/metric_line.ts";
import { isBuiltinMetric } from "../values/metric_names.ts";
import { exportedName, exportedNames, type ExportedType } from "../../prometheus_name.ts";
import { nearestName } from "../../nearest_name.ts";
import type { ExportConfig } from "../options/exporting.ts";
import type { MetricsConfig } from "../options/metrics.ts";
import { formatOrigin, type Problems } from "../problem.ts";
import type { OptionLine } from "../origin.ts";

/** Reports names that are there twice, or mean nothing. */
export function checkMetrics(
  config: MetricsConfig & Pick<ExportConfig, "metricsHttp">,
  problems: Problems,
): void {
  const { metrics, metricThresholds, metricsHttp } = config;
  const declared = new Map<string, MetricLine>();
  for (const metric of metrics) {
    const first = declared.get(metric.name);
    if (isBuiltinMetric(metric.name)) {
      complain(
        metric,
        `cannot be "${metric.name}", which duwsgi keeps itself: choose another name`,
      );
    } else if (first !== undefined) {
      const where = formatOrigin(first.origin);
      complain(metric, `declares "${metric.name}" again, see ${where}: remove one of the two`);
    } else {
      declared.set(metric.name, metric);
    }
  }
  for (const metric of metrics) {
    for (const child of childrenOf(metric)) checkName(metric, child, "child", declared);
    if (metric.alias !== "") checkName(metric, metric.alias, "alias", declared);
  }
  for (const threshold of metricThresholds) checkThreshold(threshold);
  if (metricsHttp.length > 0) checkExportedNames();

  /** Two names may be one to Prometheus. */
  function checkExportedNames(): void {
    const taken = new Map<string, MetricLine>();
    for (const metric of declared.values()) {
      const type = exportedType(metric);
      const names = exportedNames(metric.name, type);
      const other = names.map((name) => taken.get(name)).find((one) => one !== undefined);
      if (other !== undefined) {
        const where = formatOrigin(other.origin);
        complain(
          metric,
          `is ${exportedName(metric.name, type)} to Prometheus (metrics-http), like ` +
            `"${other.name}" at ${where}: rename one of the two`,
        );
      }
      for (const name of names) taken.set(name, metric);
    }
  }

  function complain({ option, origin }: OptionLine, message: string): void {
    problems.error(origin, `"${option}" at ${formatOrigin(origin)} ${message}`);
  }

  function checkName(
    line: OptionLine,
    name: string,
    role: string,
    known: ReadonlyMap<string, MetricLine>,
  ): void {
    const target = known.get(name);
    if (target === undefined) {
      if (!isBuiltinMetric(name)) complain(line, `has ${unknownName(role, name, known.keys())}`);
    } else if (target.type === "histogram") {
      complain(line, `has the histogram "${name}" as ${role}, which is not one value: remove it`);
    } else if (target.type === "alias" && role === "alias") {
      complain(line, `is an alias of the alias "${name}": use alias=${target.alias}`);
    }
  }

  function checkThreshold(threshold: ThresholdLine): void {
    const { key, reset } = threshold;
    checkName(threshold, key, "key", declared);
    if (!reset) return;
    if (isBuiltinMetric(key)) {
      complain(threshold, `cannot reset "${key}", which duwsgi keeps itself: remove "reset"`);
    } else if (declared.get(key)?.type === "alias") {
      const { alias = "" } = declared.get(key) ?? {};
      complain(threshold, `cannot reset the alias "${key}": use key=${alias}`);
    }
  }
}

function exportedType({ type }: MetricLine): ExportedType {
  return type === "counter" || type === "histogram" ? type : "gauge";
}

function childrenOf({ collector }: MetricLine): readonly string[] {
  return collector === null || collector.kind === "file" ? [] : collector.children;
}

function unknownName(role: string, name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  const advice = nearest === null ? "declare it with metric" : `did you mean "${nearest}"?`;
  return `an unknown metric as ${role}, "${name}": ${advice}`;
}
