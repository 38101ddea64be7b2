/**
 * Runs in the master. Which cells of the shared memory belong to which metric. A metric keeps its cells,
 * and so its value, for as long as the configuration names it.
 *
 * @module
 */

import type { MetricLine } from "../../config/values/metric_line.ts";
import { METRIC_CELLS } from "../../shared_memory/memory_layout.ts";
import { cellsOf, metricCells, type MetricPlace } from "../../shared_memory/metric_table.ts";

/** The cells of a metric, for another program of the master. */
export interface MetricRecord {
  readonly name: string;
  /** The first one. */
  readonly cell: number;
  /** Bounds of a histogram; empty: it is none. */
  readonly bounds: readonly number[];
}

/** What a metric starts with, a number for each of its cells; null: what its line says. */
export type InitialValues = (line: MetricLine) => readonly bigint[] | null;

/** The metrics that have cells. */
export class MetricRegistry {
  /** All cells. */
  readonly cells: BigInt64Array;
  readonly #known = new Map<string, MetricRecord>();
  readonly #taken = new Set<number>();
  #next = 0;

  /** Takes the shared memory, and what another program has given cells to. */
  constructor(memory: ArrayBufferLike, inherited: readonly MetricRecord[]) {
    this.cells = metricCells(memory);
    for (const record of inherited) this.#take(record);
  }

  /**
   * Gives cells to metrics that have none, and sets them to their initial values.
   *
   * @returns What is wrong, and then nothing has changed; null: nothing is.
   */
  claim(lines: readonly MetricLine[], initial: InitialValues): string | null {
    const added: string[] = [];
    for (const line of lines) {
      if (line.type === "alias" || this.#known.has(keyOf(line))) continue;
      const cell = this.#find(cellsOf(line.bounds));
      if (cell === null) {
        this.#keep((key) => !added.includes(key));
        return `There is no room for the metric "${line.name}": ${METRIC_CELLS} values are possible`;
      }
      this.#take({ name: line.name, cell, bounds: line.bounds });
      added.push(keyOf(line));
      const values = initial(line) ?? [line.bounds.length === 0 ? line.initial : 0n];
      for (let i = 0; i < cellsOf(line.bounds); i++) {
        Atomics.store(this.cells, cell + i, values[i] ?? 0n);
      }
    }
    return null;
  }

  /** Takes the cells from all metrics that none of these lines declares. */
  keepOnly(lines: readonly MetricLine[]): void {
    const wanted = new Set(lines.map(keyOf));
    this.#keep((key) => wanted.has(key));
  }

  /** The first cell of a metric; null: it has none. */
  cell(line: MetricLine): number | null {
    return this.#known.get(keyOf(line))?.cell ?? null;
  }

  /** What processes have to know of these metrics. */
  places(lines: readonly MetricLine[]): MetricPlace[] {
    return lines.flatMap((line): MetricPlace[] => {
      const { name, type, bounds, alias, initial, collector } = line;
      if (type === "alias") return [{ kind: "alias", name, of: alias }];
      const cell = this.cell(line);
      if (cell === null) return [];
      if (type === "histogram") return [{ kind: "histogram", name, cell, bounds }];
      const by = collector?.kind ?? "";
      return [{ kind: "value", name, cell, initial: String(initial), collector: by }];
    });
  }

  /** What another program of the master has to know. */
  get records(): readonly MetricRecord[] {
    return [...this.#known.values()];
  }

  #keep(wanted: (key: string) => boolean): void {
    for (const [key, { cell, bounds }] of this.#known) {
      if (wanted(key)) continue;
      this.#known.delete(key);
      for (let i = 0; i < cellsOf(bounds); i++) this.#taken.delete(cell + i);
    }
  }

  #take(record: MetricRecord): void {
    const { cell, bounds } = record;
    this.#known.set(keyOf(record), record);
    for (let i = 0; i < cellsOf(bounds); i++) this.#taken.add(cell + i);
    this.#next = (cell + cellsOf(bounds)) % METRIC_CELLS;
  }

  /**
   * Free cells in a row. The search goes round, so that cells are used again as late as possible: workers
   * that leave may still write to those of a metric that is gone.
   */
  #find(count: number): number | null {
    let free = 0;
    for (let step = 0; step < METRIC_CELLS + count; step++) {
      const at = (this.#next + step) % METRIC_CELLS;
      if (at === 0) free = 0;
      free = this.#taken.has(at) ? 0 : free + 1;
      if (free === count) return at - count + 1;
    }
    return null;
  }
}

/** A histogram with other bounds is another metric. */
function keyOf({ name, bounds }: Pick<MetricRecord, "name" | "bounds">): string {
  return bounds.length === 0 ? name : `${name} ${bounds.join(";")}`;
}
