/**
 * The table of workers as lines.
 *
 * @module
 */

import { type Column, type ColumnName, knownColumns, sorted, type SortOrder } from "./columns.ts";
import { sparkline } from "./figures_text.ts";
import type { Model, WorkerModel } from "./model.ts";
import { padded, type ScreenLine, type Span, span, widthOf } from "./text.ts";

/** How the table is to look. */
export interface TableLook {
  readonly order: SortOrder;
  readonly wallMs: number;
  /** Columns of the terminal; Infinity: as many as it takes, and no sparklines. */
  readonly width: number;
  /** Lines for head and rows; Infinity: all. */
  readonly height: number;
  /** Number of the slot that is marked; null: the first row; none if there is no such slot. */
  readonly selected: number | null;
  /** Whether a row is marked at all. */
  readonly marked: boolean;
}

/** Between two columns. */
const GAP = " ";
/** Less is no sparkline. */
const LEAST_SPARKLINE = 8;
/** Columns of a higher rank go before the sparklines do. */
const SPARKLINE_RANK = 10;
const MOST_SPARKLINE = 60;

/** A column with what is in it. */
interface Filled {
  readonly column: Column;
  readonly width: number;
  readonly cells: ReadonlyMap<WorkerModel, Span>;
}

/** Head and rows, the selected one among them. */
export function workerTable(model: Model, look: TableLook): readonly ScreenLine[] {
  const rows = sorted(model, look.order, look.wallMs);
  const filled = fitting(knownColumns(model).map((column) => fill(column, model, look)), look);
  const used = filled.reduce((sum, { width }) => sum + width + GAP.length, 0);
  const rest = Number.isFinite(look.width) ? Math.min(look.width - used, MOST_SPARKLINE) : 0;
  const graph = rest >= LEAST_SPARKLINE ? rest : 0;
  const selected = Math.max(0, rows.findIndex(({ seen }) => seen.id === look.selected));
  const head = headOf(filled, look.order, graph);
  const shown = window(rows, selected, look.height - 1);
  return [
    head,
    ...shown.map((row) => {
      const spans = filled.flatMap(({ cells }, i) => [
        ...i === 0 ? [] : [span(GAP)],
        cells.get(row) ?? span(""),
      ]);
      const line = graph === 0
        ? spans
        : [...spans, span(GAP), span(sparkline(row.figures.history, graph), "dim")];
      return look.marked && row === rows[selected] ? mark(line, look.width) : line;
    }),
  ];
}

/** So many of the rows that the selected one is among them, in the middle if it can be. */
export function window<T>(rows: readonly T[], selected: number, height: number): readonly T[] {
  if (rows.length <= height) return rows;
  const most = Math.max(0, Math.floor(height));
  const first = Math.min(rows.length - most, Math.max(0, selected - Math.floor(most / 2)));
  return rows.slice(first, first + most);
}

function fill(column: Column, model: Model, look: TableLook): Filled {
  const texts = model.workers.map((worker) => {
    const cell = { worker, model, wallMs: look.wallMs };
    return { worker, text: column.text(cell), style: column.style(cell) };
  });
  const width = Math.max(
    widthOf(column.head) + 1,
    LEAST_WIDTHS[column.name] ?? 0,
    ...texts.map(({ text }) => widthOf(text)),
  );
  const cells = texts.map(({ worker, text, style }) =>
    [worker, span(padded(text, width, column.right), style)] as const
  );
  return { column, width, cells: new Map(cells) };
}

/** What is usual, so that the columns stay where they are while figures change. */
const LEAST_WIDTHS: Readonly<Partial<Record<ColumnName, number>>> = {
  state: 9,
  rate: 6,
  p50: 5,
  p99: 5,
  average: 5,
  lag: 5,
  rss: 5,
};

/** The columns that there is room for. */
function fitting(all: readonly Filled[], { width, order }: TableLook): readonly Filled[] {
  // What the table is sorted by stays to the last.
  const rank = ({ column }: Filled) => column.name === order.column ? 0.5 : column.rank;
  let kept = all;
  while (kept.length > 1) {
    const least = kept.reduce((a, b) => rank(b) > rank(a) ? b : a);
    const total = kept.reduce((sum, one) => sum + one.width + GAP.length, -GAP.length);
    const graph = rank(least) > SPARKLINE_RANK ? LEAST_SPARKLINE + GAP.length : 0;
    if (total + graph <= width) break;
    kept = kept.filter((one) => one !== least);
  }
  return kept;
}

function headOf(filled: readonly Filled[], order: SortOrder, graph: number): ScreenLine {
  const spans = filled.flatMap(({ column, width }, i): Span[] => {
    const chosen = column.name === order.column;
    const text = column.head + (chosen ? (order.descending ? "▼" : "▲") : "");
    return [
      ...i === 0 ? [] : [span(GAP, "dim")],
      span(padded(text, width, column.right), chosen ? "bold" : "dim"),
    ];
  });
  return graph === 0 ? spans : [...spans, span(GAP), span(padded("REQ/S", graph, true), "dim")];
}

function mark(line: ScreenLine, width: number): ScreenLine {
  const text = line.map((one) => one.text).join("");
  return [span(Number.isFinite(width) ? padded(text, width) : text, "reverse")];
}
