/**
 * The table of the workers: a row per slot, in the order that was asked for.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { byId, make, setText } from "./element.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatMicros,
  formatRate,
  NO_VALUE,
} from "./format.ts";
import { ordered, type RowKey, type RowOrder, type SlotRow } from "./rows.ts";

/** A column. */
interface Column {
  readonly key: RowKey;
  readonly title: string;
  /** What it shows, where its title is too short to say it. */
  readonly about: string;
  /** True if its largest values are of interest, and not the first in the alphabet. */
  readonly numeric: boolean;
  readonly text: (row: SlotRow) => string;
}

const COLUMNS: readonly Column[] = [
  column("id", "Slot", "Number of the slot", (row) => String(row.id)),
  column("state", "State", "What its worker does", (row) => row.state, false),
  column(
    "requests",
    "Req/s",
    "Requests per second",
    ({ requests }) => requests === null ? NO_VALUE : formatRate(requests),
  ),
  column("inFlight", "In flight", "Requests at work", (row) => formatCount(row.inFlight)),
  column("p50", "p50", "Half of the requests took no longer", (row) => formatMicros(row.p50)),
  column("p99", "p99", "99 of 100 requests took no longer", (row) => formatMicros(row.p99)),
  column("lag", "Lag", "How late its event loop was", (row) => formatMicros(row.lag)),
  column("memory", "Memory", "Resident memory", (row) => formatBytes(row.memory)),
  column(
    "age",
    "Age",
    "Since its worker was started",
    ({ age, pid }) => pid > 0 ? formatAge(age) : NO_VALUE,
  ),
  column("generation", "Gen.", "Generation", (row) => formatCount(row.generation)),
  column("respawns", "Respawns", "Workers after the first one", (row) => formatCount(row.respawns)),
  column("exceptions", "Exceptions", "Handlers that threw", (row) => formatCount(row.exceptions)),
  column("pid", "Pid", "Process id", ({ pid }) => pid > 0 ? String(pid) : NO_VALUE),
  column(
    "lastLeave",
    "Last leave",
    "Why the worker before it left",
    (row) => row.lastLeave === "" ? NO_VALUE : row.lastLeave,
    false,
  ),
];

function column(
  key: RowKey,
  title: string,
  about: string,
  text: (row: SlotRow) => string,
  numeric = true,
): Column {
  return { key, title, about, numeric, text };
}

/** So many rows are closer together. */
const MANY = 16;

/** The table on the page. */
export class WorkerView {
  #order: RowOrder = { key: "id", descending: false };
  #rows: readonly SlotRow[] = [];
  readonly #lines = new Map<number, HTMLTableRowElement>();
  readonly #heads = new Map<RowKey, HTMLElement>();

  /** Writes the head of the table. */
  constructor() {
    byId("worker-head").replaceChildren(...COLUMNS.map((one) => this.#head(one)));
    this.#showOrder();
  }

  #head({ key, title, about, numeric }: Column): HTMLElement {
    const button = make("button", { text: title, attributes: { type: "button", title: about } });
    button.addEventListener("click", () => {
      const again = this.#order.key === key;
      // Of numbers the large ones are looked for; slots and words are read from their beginning.
      const descending = again ? !this.#order.descending : numeric && key !== "id";
      this.#order = { key, descending };
      this.#showOrder();
      this.show(this.#rows);
    });
    const head = make("th", { class: classOf(key, numeric), attributes: { scope: "col" } }, button);
    this.#heads.set(key, head);
    return head;
  }

  #showOrder(): void {
    for (const [key, head] of this.#heads) {
      const direction = this.#order.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", key === this.#order.key ? direction : "none");
    }
  }

  /** Shows the rows. */
  show(rows: readonly SlotRow[]): void {
    this.#rows = rows;
    const body = byId("workers");
    body.parentElement?.classList.toggle("dense", rows.length > MANY);
    const most = Math.max(1, ...rows.map(({ requests }) => requests ?? 0));
    const lines = ordered(rows, this.#order).map((row) => {
      const line = this.#lines.get(row.id) ?? makeLine();
      this.#lines.set(row.id, line);
      fillLine(line, row, most);
      return line;
    });
    const wanted = new Set<Element>(lines);
    for (const [id, line] of this.#lines) if (!wanted.has(line)) this.#lines.delete(id);
    // Only what is out of place is moved: a selection in the table stays.
    const inPlace = body.children.length === lines.length &&
      lines.every((line, index) => body.children[index] === line);
    if (!inPlace) body.replaceChildren(...lines);
  }
}

function classOf(key: RowKey, numeric: boolean): string {
  return `${key}${numeric ? " number" : ""}`;
}

function makeLine(): HTMLTableRowElement {
  return make(
    "tr",
    {},
    ...COLUMNS.map(({ key, numeric }) => {
      const attributes = key === "id" ? { scope: "row" } : undefined;
      const cell = make(key === "id" ? "th" : "td", {
        class: classOf(key, numeric),
        ...attributes && { attributes },
      });
      if (key === "state") cell.append(make("span", { class: "state" }), make("small"));
      else if (key === "requests") cell.append(make("span"), make("i", { class: "share" }));
      else cell.append(make("span"));
      return cell;
    }),
  );
}

function fillLine(line: HTMLTableRowElement, row: SlotRow, most: number): void {
  line.className = row.pid > 0 ? "" : "empty";
  for (const [index, { key, text }] of COLUMNS.entries()) {
    const cell = line.cells[index];
    const [label, extra] = cell?.children ?? [];
    if (label === undefined) continue;
    setText(label, text(row));
    if (key === "state" && extra) {
      label.className = `state ${row.state}`;
      setText(extra, row.note);
    }
    if (key === "requests" && extra instanceof HTMLElement) {
      extra.style.width = `${(100 * (row.requests ?? 0) / most).toFixed(1)}%`;
    }
    if (key === "exceptions") cell?.classList.toggle("alarming", row.exceptions > 0);
    if (key === "lastLeave" && cell) cell.title = row.lastLeave;
  }
}
