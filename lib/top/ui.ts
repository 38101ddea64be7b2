/**
 * What the person at the terminal has chosen, and what a key makes of it. Pure.
 *
 * @module
 */

import type { CommandName } from "../control/commands.ts";
import { type ColumnName, knownColumns, sorted, type SortOrder } from "./columns.ts";
import type { Key } from "./keys.ts";
import type { Model } from "./model.ts";

/** The reloads that can be asked for here. */
export type ReloadCommand = Extract<CommandName, "chain-reload" | "reload">;

/** What is to be seen. */
export interface Ui {
  readonly screen: "workers" | "worker" | "help";
  readonly order: SortOrder;
  /** Number of the selected slot; null: the first row. */
  readonly selected: number | null;
  /** Lines that have gone beyond the upper end of the details and the help. */
  readonly scrolled: number;
  /** What is shown as long as the view is paused; null: it is not. */
  readonly frozen: Model | null;
  /** The reload that waits for a "y". */
  readonly question: ReloadCommand | null;
  /** What there is to say, until the next key or for some seconds. */
  readonly note: string | null;
}

/** What a key asks for beyond the screen. */
export type UiAction =
  | { readonly kind: "quit" | "suspend" | "redraw" }
  | { readonly kind: "reload"; readonly command: ReloadCommand };

/** What is to be seen at first. */
export const FIRST_UI: Ui = {
  screen: "workers",
  order: { column: "id", descending: false },
  selected: null,
  scrolled: 0,
  frozen: null,
  question: null,
  note: null,
};

/** What a key does. */
export interface Pressed {
  readonly ui: Ui;
  readonly wish: UiAction | null;
}

/** So many rows at once. */
const PAGE = 10;

const MOVES: Readonly<Record<Key, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageUp: -PAGE,
  pageDown: PAGE,
  " ": PAGE,
  home: -Infinity,
  g: -Infinity,
  end: Infinity,
};

/** Takes a key; `model` is the newest one. */
export function press(before: Ui, key: Key, model: Model, wallMs: number): Pressed {
  const ui: Ui = { ...before, note: null, question: null };
  if (before.question !== null) {
    const yes = key === "y" || key === "Y";
    if (yes) return { ui, wish: { kind: "reload", command: before.question } };
    // Whoever wants to leave does not want to answer.
    if (key !== "interrupt" && key !== "q") return stay({ ...ui, note: "Nothing was reloaded" });
  }
  switch (key) {
    case "interrupt":
      return { ui, wish: { kind: "quit" } };
    case "suspend":
    case "redraw":
      return { ui, wish: { kind: key } };
    case "q":
      return ui.screen === "workers" ? { ui, wish: { kind: "quit" } } : stay(overview(ui));
    case "escape":
    case "left":
      return stay(overview(ui));
    case "h":
    case "?":
      return stay(ui.screen === "help" ? overview(ui) : { ...ui, screen: "help", scrolled: 0 });
  }
  const move = MOVES[key];
  const shown = ui.frozen ?? model;
  if (ui.screen !== "workers" && move !== undefined) {
    return stay({ ...ui, scrolled: Math.max(0, ui.scrolled + move) });
  }
  if (move !== undefined) return stay({ ...ui, selected: moved(ui, shown, move, wallMs) });
  switch (key) {
    case "R":
      return stay({ ...ui, question: "chain-reload" });
    case "G":
      return stay({ ...ui, question: "reload" });
    case "p":
      return stay({ ...ui, frozen: ui.frozen === null ? model : null });
  }
  return ui.screen === "workers" ? stay(pressInTable(ui, key, shown, wallMs)) : stay(ui);
}

function pressInTable(ui: Ui, key: Key, shown: Model, wallMs: number): Ui {
  switch (key) {
    case "enter":
    case "right": {
      const selected = moved(ui, shown, 0, wallMs);
      return selected === null ? ui : { ...ui, screen: "worker", selected, scrolled: 0 };
    }
    case "s":
    case ">":
      return { ...ui, order: nextOrder(ui.order, shown, 1) };
    case "<":
      return { ...ui, order: nextOrder(ui.order, shown, -1) };
    case "r":
      return { ...ui, order: { ...ui.order, descending: !ui.order.descending } };
    default:
      return ui;
  }
}

function stay(ui: Ui): Pressed {
  return { ui, wish: null };
}

function overview(ui: Ui): Ui {
  return { ...ui, screen: "workers", scrolled: 0 };
}

/** The slot that is so many rows further; null: there are no slots. */
function moved(ui: Ui, model: Model, by: number, wallMs: number): number | null {
  const rows = sorted(model, ui.order, wallMs);
  const at = Math.max(0, rows.findIndex(({ seen }) => seen.id === ui.selected));
  return rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.seen.id ?? null;
}

/** Of figures the highest are of interest, of names and numbers the first. */
const ASCENDING: readonly ColumnName[] = ["id", "pid", "state"];

function nextOrder({ column }: SortOrder, model: Model, by: number): SortOrder {
  const names = knownColumns(model).map(({ name }) => name);
  const at = names.indexOf(column) + by + names.length;
  const next = names[at % names.length] ?? "id";
  return { column: next, descending: !ASCENDING.includes(next) };
}
