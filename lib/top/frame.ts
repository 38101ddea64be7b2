/**
 * The whole screen: exactly as many lines as the terminal has, none longer than it is wide. Pure.
 *
 * @module
 */

import { details } from "./details.ts";
import type { Model } from "./model.ts";
import { instanceLine, reloadLine, socketSummary, trafficLine, workersLine } from "./summary.ts";
import { workerTable } from "./table.ts";
import {
  fitted,
  line,
  lineWidth,
  padded,
  type ScreenLine,
  span,
  type Style,
  wrapped,
} from "./text.ts";
import type { Ui } from "./ui.ts";

/** What is around the figures. */
export interface Surface {
  readonly columns: number;
  readonly rows: number;
  /** Where the figures come from, as it was written. */
  readonly address: string;
  /** Why there are no new figures; null: there are. */
  readonly trouble: string | null;
  /** Milliseconds since the epoch. */
  readonly wallMs: number;
}

/** The lines of the screen. */
export function frame(model: Model, ui: Ui, surface: Surface): readonly ScreenLine[] {
  const shown = ui.frozen ?? model;
  const foot = footLines(shown, ui, surface);
  const height = surface.rows - foot.length;
  const body = ui.screen === "help"
    ? scroll(HELP, ui.scrolled, height)
    : ui.screen === "worker"
    ? scroll(workerLines(shown, ui, surface), ui.scrolled, height)
    : overview(shown, ui, surface, height);
  const lines = body.slice(0, Math.max(0, height));
  const empty = Array.from({ length: Math.max(0, height - lines.length) }, () => line(""));
  return [...lines, ...empty, ...foot].slice(-surface.rows)
    .map((one) => fitted(one, surface.columns));
}

/** What comes into view when so many lines have gone; the last page stays. */
function scroll(
  lines: readonly ScreenLine[],
  scrolled: number,
  height: number,
): readonly ScreenLine[] {
  const first = Math.max(0, Math.min(scrolled, lines.length - height));
  return lines.slice(first, first + height);
}

/** Fewer rows of workers than this are no table: what is above them makes room. */
const LEAST_TABLE = 4;

function overview(model: Model, ui: Ui, surface: Surface, height: number): readonly ScreenLine[] {
  const { columns, wallMs } = surface;
  const reload = reloadLine(model, wallMs);
  // In the order in which they go where there is little room: the last one first.
  const head = [
    instanceLine(model),
    workersLine(model, columns),
    trafficLine(model),
    ...reload === null ? [] : [reload],
  ].slice(0, Math.max(1, height - LEAST_TABLE));
  const sockets = socketSummary(model, Math.max(0, Math.floor((height - head.length - 6) / 3)));
  const above = [...head, ...sockets];
  if (height - above.length > LEAST_TABLE + 4) above.push(line(""));
  const table = workerTable(model, {
    order: ui.order,
    wallMs,
    width: columns,
    height: height - above.length,
    selected: ui.selected,
    marked: true,
  });
  return [...above, ...table];
}

function workerLines(model: Model, ui: Ui, { columns, wallMs }: Surface): readonly ScreenLine[] {
  const worker = model.workers.find(({ seen }) => seen.id === ui.selected);
  if (worker === undefined) return [line(`There is no worker ${ui.selected} any more`)];
  return details(model, worker, wallMs, columns);
}

const WORKERS_KEYS = "q quit  h help  s sort  r reverse  Enter worker  R reload  p pause";
const PAGE_KEYS = "Esc back  ↑↓ scroll  h help";

/** A longer message than this is cut off. */
const MOST_FOOT_LINES = 3;

/** The last lines: what is asked, what is wrong, what there is to say, or else the keys. */
function footLines(
  model: Model,
  ui: Ui,
  { columns, address, trouble }: Surface,
): readonly ScreenLine[] {
  if (ui.question !== null) {
    const what = ui.question === "reload" ? "Reload all at once" : "Chain reload";
    const { workers, pid } = model.stats;
    return message(`${what} (y/n)? ${workers.length} workers of pid ${pid}`, "reverse", columns);
  }
  if (ui.note !== null) return message(ui.note, "reverse", columns);
  if (trouble !== null) return message(`${trouble}; trying again`, "bad", columns);
  const keys = ui.screen === "workers" ? WORKERS_KEYS : PAGE_KEYS;
  const state = ui.frozen === null ? [] : [span("PAUSED", "reverse"), span("  ")];
  const left = [...state, span(keys, "dim")];
  const gap = columns - lineWidth(left) - lineWidth([span(address)]);
  return [gap < 2 ? left : [...left, span(" ".repeat(gap)), span(address, "dim")]];
}

function message(text: string, style: Style, columns: number): readonly ScreenLine[] {
  return wrapped(text, columns).slice(0, MOST_FOOT_LINES)
    .map((part) => [span(padded(part, columns), style)]);
}

const HELP: readonly ScreenLine[] = [
  line("duwsgi top", "bold"),
  line(""),
  line("j k ↑ ↓     select a worker, or scroll"),
  line("PgUp PgDn   ten at once; g Home and End: the first, the last"),
  line("Enter →     look at the selected worker"),
  line("Esc ←       back"),
  line("s > <       sort by the next column, or the one before"),
  line("r           reverse the order"),
  line("p           pause the view, and go on"),
  line("R           chain reload: one worker after the other"),
  line("G           reload: read the configuration, replace all workers"),
  line("Ctrl-L      draw the screen anew"),
  line("Ctrl-Z      suspend; fg comes back"),
  line("q Ctrl-C    quit"),
  line(""),
  line("REQ/S and graphs: since the look before. P50, P99: of the last ten looks."),
  line("BUSY: requests at work. LAG: how late the event loop was last."),
  line("GEN in yellow: not the generation that is respawned."),
];
