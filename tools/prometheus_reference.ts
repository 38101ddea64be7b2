/**
 * The reference of what `/metrics` says, from the rows that say it.
 *
 * @module
 */

import { sampleName } from "../lib/stats/exposition.ts";
import { METRIC_ROWS } from "../lib/stats/metric_families.ts";
import { table } from "./markdown.ts";

/** The document as Markdown. */
export function renderPrometheusMetrics(): string {
  const rows = METRIC_ROWS.map((row) => {
    const labels = row.labels.map((label) => `\`${label}\``).join(", ");
    return [`\`${sampleName(row)}\``, row.type, labels, row.help];
  });
  return [
    "# Metrics for Prometheus",
    "What `/metrics` of `metrics-http` says. [Monitoring](monitoring.md) tells how to read it, and " +
    "what metrics of the script are called. A histogram has `_bucket`, `_sum` and `_count` behind " +
    "its name. Counts of workers go on when a worker is replaced.",
    table(["Name", "Type", "Labels", ""], rows),
  ].join("\n\n");
}
