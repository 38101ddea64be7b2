/**
 * The columns of the table of workers: what they show, what they are sorted by, and which of them stay
 * when there is little room.
 *
 * @module
 */

import { ageText, bytesText, countText, microsecondsText, rateText } from "./figures_text.ts";
import { errorsOf, type Model, type WorkerModel } from "./model.ts";
import type { Style } from "./text.ts";

/** The names of the columns. */
export type ColumnName =
  | "id"
  | "pid"
  | "state"
  | "generation"
  | "rate"
  | "busy"
  | "p50"
  | "p99"
  | "average"
  | "lag"
  | "rss"
  | "age"
  | "requests"
  | "errors";

/** What a cell is made of. */
export interface ColumnCell {
  readonly worker: WorkerModel;
  readonly model: Model;
  /** Milliseconds since the epoch. */
  readonly wallMs: number;
}

/** One column. */
export interface Column {
  readonly name: ColumnName;
  readonly head: string;
  /** Numbers stand at the right end of their column. */
  readonly right: boolean;
  /** Where there is no room for all, those with the highest number go first. */
  readonly rank: number;
  /** Whether there is anything to show. */
  readonly known: (model: Model) => boolean;
  readonly text: (cell: ColumnCell) => string;
  readonly style: (cell: ColumnCell) => Style;
  /** What rows are sorted by. */
  readonly value: (cell: ColumnCell) => number | string;
}

const always = () => true;
const plain = (): Style => "plain";

/** Only duwsgi says how long its requests took. */
const hasLatency = ({ stats }: Model) => stats.latencyBoundsUs.length > 0;
const hasGeneration = ({ stats }: Model) => stats.generation !== null;

/** All columns, from left to right. */
export const COLUMNS: readonly Column[] = [
  number("id", "ID", 0, ({ worker }) => worker.seen.id),
  number("pid", "PID", 8, ({ worker }) => worker.seen.pid, (pid) => pid === 0 ? "-" : String(pid)),
  {
    name: "state",
    head: "STATE",
    right: false,
    rank: 1,
    known: always,
    text: ({ worker }) => stateOf(worker),
    style: ({ worker }) => STATE_STYLES[stateOf(worker)] ?? "warn",
    value: ({ worker }) => stateOf(worker),
  },
  {
    ...number("generation", "GEN", 9, ({ worker }) => worker.seen.generation ?? 0),
    known: hasGeneration,
    style: ({ worker, model }) =>
      worker.seen.generation === model.stats.generation ? "plain" : "warn",
  },
  number("rate", "REQ/S", 2, ({ worker }) => worker.figures.requestsPerSecond, rateText),
  number("busy", "BUSY", 4, ({ worker }) => worker.seen.inFlight),
  { ...latency("p50", "P50", 6, ({ worker }) => worker.figures.p50Us), known: hasLatency },
  { ...latency("p99", "P99", 3, ({ worker }) => worker.figures.p99Us), known: hasLatency },
  {
    ...latency("average", "AVG", 3, ({ worker }) => worker.seen.avgRtUs),
    known: (model) => !hasLatency(model),
  },
  {
    ...latency("lag", "LAG", 7, ({ worker }) => worker.seen.lagUs),
    known: ({ stats }) => stats.workers.some(({ lagUs }) => lagUs !== null),
    style: ({ worker }) => (worker.seen.lagUs ?? 0) >= LATE_US ? "warn" : "plain",
  },
  number("rss", "RSS", 5, ({ worker }) => worker.seen.rss, (bytes) => bytesText(bytes ?? 0)),
  number("age", "AGE", 10, ageOf, ageText),
  number("requests", "REQS", 11, ({ worker }) => worker.seen.requests, (n) => countText(n ?? 0)),
  {
    ...number(
      "errors",
      "ERRS",
      12,
      ({ worker }) => errorsOf(worker.seen),
      (n) => countText(n ?? 0),
    ),
    style: ({ worker }) => (worker.figures.errorsPerSecond ?? 0) > 0 ? "bad" : "plain",
  },
];

/** An event loop that is so late is worth a colour (100 ms). */
const LATE_US = 100_000;

/** States that are as they should be, or not at all. */
const STATE_STYLES: Readonly<Record<string, Style>> = {
  accepting: "good",
  idle: "good",
  busy: "good",
  cheap: "dim",
  none: "bad",
  killed: "bad",
};

/** What the slot is doing. */
export function stateOf({ seen }: WorkerModel): string {
  return seen.state === "none" && seen.status === "cheap" ? "cheap" : seen.state;
}

/** How old a worker is in milliseconds; null: there is none. */
export function ageOf({ worker: { seen }, wallMs }: ColumnCell): number | null {
  if (seen.pid === 0) return null;
  if (seen.ageMs !== null) return seen.ageMs;
  return seen.lastSpawn > 0 ? Math.max(0, wallMs - seen.lastSpawn * 1000) : null;
}

function number(
  name: ColumnName,
  head: string,
  rank: number,
  value: (cell: ColumnCell) => number | null,
  text: (value: number | null) => string = String,
): Column {
  return {
    name,
    head,
    right: true,
    rank,
    known: always,
    text: (cell) => text(value(cell)),
    style: plain,
    value: (cell) => value(cell) ?? -1,
  };
}

function latency(
  name: ColumnName,
  head: string,
  rank: number,
  value: (cell: ColumnCell) => number | null,
): Column {
  const column = number(name, head, rank, value);
  return {
    ...column,
    text: (cell) => microsecondsText(value(cell), cell.model.stats.latencyBoundsUs.at(-1)),
  };
}

/** What the table is sorted by. */
export interface SortOrder {
  readonly column: ColumnName;
  readonly descending: boolean;
}

/** The columns that have something to show. */
export function knownColumns(model: Model): readonly Column[] {
  return COLUMNS.filter((column) => column.known(model));
}

/** The workers in this order; those that are alike by their number. */
export function sorted(model: Model, order: SortOrder, wallMs: number): readonly WorkerModel[] {
  const column = COLUMNS.find(({ name }) => name === order.column);
  if (column === undefined) return model.workers;
  const keys = new Map(
    model.workers.map((worker) => [worker, column.value({ worker, model, wallMs })]),
  );
  const sign = order.descending ? -1 : 1;
  return [...model.workers].sort((a, b) => {
    const [left = 0, right = 0] = [keys.get(a), keys.get(b)];
    if (left === right) return a.seen.id - b.seen.id;
    return left < right ? -sign : sign;
  });
}
