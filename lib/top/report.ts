/**
 * The figures of one moment: as a table for people, and as a value for machines.
 *
 * @module
 */

import type { Figures, Model } from "./model.ts";
import { instanceLine, reloadLine, socketSummary, trafficLine, workersLine } from "./summary.ts";
import { workerTable } from "./table.ts";
import type { ScreenLine } from "./text.ts";

/** A table, without a line break at its end. Rates are in it if there were two looks. */
export function reportText(
  model: Model,
  wallMs: number,
  paint: (line: ScreenLine) => string,
): string {
  const reload = reloadLine(model, wallMs);
  const lines: readonly ScreenLine[] = [
    instanceLine(model),
    workersLine(model, Infinity),
    trafficLine(model),
    ...reload === null ? [] : [reload],
    ...socketSummary(model, Infinity),
    [],
    ...workerTable(model, {
      order: { column: "id", descending: false },
      wallMs,
      width: Infinity,
      height: Infinity,
      selected: null,
      marked: false,
    }),
  ];
  return lines.map((one) => paint(one).trimEnd()).join("\n");
}

/** What was computed, beside the document itself. */
export interface Report {
  /** The document as the server sent it. */
  readonly stats: unknown;
  /** Seconds between the two looks; null: there was one. */
  readonly interval_s: number | null;
  readonly total: ReportFigures;
  readonly workers: readonly (ReportFigures & { readonly id: number })[];
}

/** What was computed for one worker, or for all. Null: not known. */
export interface ReportFigures {
  readonly requests_per_second: number | null;
  readonly exceptions_per_second: number | null;
  /** Of responses with 5xx, and exceptions where responses are not known. */
  readonly errors_per_second: number | null;
  readonly bytes_per_second: number | null;
  /** In microseconds; what is beyond the last bound counts as that. */
  readonly p50_us: number | null;
  readonly p99_us: number | null;
}

/** One JSON object's worth. */
export function reportValue(model: Model, document: unknown): Report {
  const figures = (of: Figures): ReportFigures => ({
    requests_per_second: rounded(of.requestsPerSecond),
    exceptions_per_second: rounded(of.exceptionsPerSecond),
    errors_per_second: rounded(of.errorsPerSecond),
    bytes_per_second: rounded(of.bytesPerSecond),
    p50_us: of.p50Us,
    p99_us: of.p99Us,
  });
  return {
    stats: document,
    interval_s: model.interval,
    total: figures(model.total),
    workers: model.workers.map((one) => ({ id: one.seen.id, ...figures(one.figures) })),
  };
}

function rounded(rate: number | null): number | null {
  return rate === null ? null : Math.round(rate * 1000) / 1000;
}
