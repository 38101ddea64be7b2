/**
 * The options of metrics.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import { lazyParser, lines } from "../kinds/line_reader.ts";
import type { MetricLine, ThresholdLine } from "../values/metric_line.ts";
import * as kind from "../kinds/option_kind.ts";
import type { ExportConfig } from "./exporting.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

const readMetricLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/metric_line.ts")>(
    import.meta.resolve("../values/metric_line.ts"),
  ))
    .parseMetricLine
);
const readThresholdLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/metric_line.ts")>(
    import.meta.resolve("../values/metric_line.ts"),
  ))
    .parseThresholdLine
);

/** What is counted beside what duwsgi counts itself. */
export interface MetricsConfig {
  /** Metrics are there although none is declared (`enable-metrics`). @default false */
  readonly enableMetrics: boolean;
  /** The declared metrics (`metric`), in order. @default [] */
  readonly metrics: readonly MetricLine[];
  /** Values that are logged when they are reached (`metric-threshold`). @default [] */
  readonly metricThresholds: readonly ThresholdLine[];
  /** Directory with one file for each metric (`metrics-dir`); empty: none. */
  readonly metricsDir: string;
  /** Metrics start with what these files say (`metrics-dir-restore`). @default false */
  readonly metricsDirRestore: boolean;
  /** Leave out the metrics of a worker's core (`metrics-no-cores`). @default false */
  readonly metricsNoCores: boolean;
}

type PushedConfig = Pick<ExportConfig, "statsPush" | "carbon">;

/** True if somebody may want metrics. */
export function usesMetrics(config: MetricsConfig & Partial<PushedConfig>): boolean {
  const { enableMetrics, metrics, metricThresholds, metricsDir, statsPush, carbon } = config;
  // What pushers send are metrics.
  if ([statsPush, carbon].some((lines) => lines !== undefined && lines.length > 0)) return true;
  return enableMetrics || metrics.length > 0 || metricThresholds.length > 0 || metricsDir !== "";
}

/** Their rows. */
export const METRICS_OPTIONS: OptionRows<MetricsConfig> = {
  enableMetrics: {
    name: "enable-metrics",
    aliases: [],
    short: "",
    group: "Metrics",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "workers",
    help: "Have metrics, although none is declared",
    details:
      "Scripts can then read duwsgi's own metrics with `uwsgi.metric_get()`, and the stats show them. " +
      "`metric`, `metric-threshold`, `metrics-dir`, `stats-push` and `carbon` do the same. See [metrics](metrics.md).",
    example: "enable-metrics = true",
  },
  metrics: {
    name: "metric",
    aliases: [],
    short: "",
    group: "Metrics",
    argument: "NAME|KEY=VALUE,…",
    kind: lines(readMetricLine),
    default: [],
    onChange: "workers",
    help: "Metric that scripts can change, or that the master works out",
    details:
      "A name alone is a counter. Keys are `name`, `type` (`counter`, `gauge`, `absolute`, `alias`, " +
      "`histogram`), `oid`, `initial_value`, `collector` (`file`, `sum`, `avg`, `accumulator`, " +
      "`adder`, `multiplier`), `freq` (seconds, 1 unless given), `children` (separated by `;`), " +
      "`arg1` and `arg1n` (see the collectors), `alias`, `bounds` (of a histogram, separated by `;`) " +
      "and `reset_after_push`. `arg2`, `arg3`, `arg2n` and `arg3n` are accepted without effect. " +
      "A reload adds and removes metrics; one that keeps its name keeps its value. Unlike in uWSGI " +
      "an unknown type and a name that is there twice are errors. See [metrics](metrics.md).",
    example: "metric = app.hits\n" +
      "metric = name=app.open,type=gauge\n" +
      "metric = name=load,type=gauge,collector=file,arg1=/proc/loadavg,freq=10\n" +
      "metric = name=app.size,type=histogram,bounds=100;1000;10000",
  },
  metricThresholds: {
    name: "metric-threshold",
    aliases: ["metric-alarm"],
    short: "",
    group: "Metrics",
    argument: "KEY=VALUE,…",
    kind: lines(readThresholdLine),
    default: [],
    onChange: "master",
    help: "Value of a metric that is logged when it is reached",
    details:
      "Keys are `key` (the metric), `value`, `msg` (the log line), `alarm` (a word that goes with it), " +
      "`rate` (seconds until it is logged again, 60 unless given) and `reset=1`, which sets the " +
      "metric back to its initial value. uWSGI's alarms do not exist here: the log line is the alarm. " +
      "See [metrics](metrics.md).",
    example: "metric-threshold = key=worker.0.failed_requests,value=100,rate=300",
  },
  metricsDir: {
    name: "metrics-dir",
    aliases: ["metric-dir"],
    short: "",
    group: "Metrics",
    argument: "DIRECTORY",
    kind: kind.path,
    default: "",
    defaultText: "none",
    onChange: "master",
    help: "Directory with one file for each metric, which holds its value",
    details:
      "It must exist. A file is written within a second of a change, whoever made it, and at the end. " +
      "In uWSGI only what collectors change is written, and duwsgi's own metrics are there as well.",
    example: "metrics-dir = /var/lib/app/metrics",
  },
  metricsDirRestore: {
    name: "metrics-dir-restore",
    aliases: ["metric-dir-restore"],
    short: "",
    group: "Metrics",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Let metrics start with what their files say",
    details:
      "For metrics that scripts change, histograms, and accumulators. What other collectors find is " +
      "worked out anew; uWSGI adds it to what it was.",
    example: "metrics-dir = /var/lib/app/metrics\nmetrics-dir-restore = true",
  },
  metricsNoCores: {
    name: "metrics-no-cores",
    aliases: [],
    short: "",
    group: "Metrics",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Leave out worker.N.core.0.*",
    details: "A worker is one core here, so they say the same as the worker's own.",
    example: "metrics-no-cores = true",
  },
};
