/**
 * The stats as text.
 *
 * @module
 */

import type { Stats, StatsWorker } from "./stats.ts";

/** How they are written. */
export interface StatsForm {
  /** Without spaces and line breaks. */
  readonly statsMinified: boolean;
  /** Without the cores of workers. */
  readonly statsNoCores: boolean;
  /** Without metrics. */
  readonly statsNoMetrics: boolean;
}

/** The document as JSON, as uWSGI indents it. */
export function statsText(stats: Stats, form: StatsForm): string {
  const workers = form.statsNoCores ? stats.workers.map(withoutCores) : stats.workers;
  const shown = Object.entries({ ...stats, workers })
    .filter(([key]) => key !== "metrics" || !form.statsNoMetrics);
  return JSON.stringify(Object.fromEntries(shown), null, form.statsMinified ? undefined : "\t");
}

function withoutCores({ cores: _, ...worker }: StatsWorker): Omit<StatsWorker, "cores"> {
  return worker;
}
