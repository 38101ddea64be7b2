/**
 * The rows of the table of workers, and their order.
 *
 * @module
 */

import type { InstanceRates } from "../../stats/rates.ts";
import type { Stats, StatsWorker } from "../../stats/stats.ts";
import { counted, formatDuration } from "./format.ts";

/** A worker slot as the table shows it. */
export interface SlotRow {
  readonly id: number;
  readonly pid: number;
  /** What its worker is doing; see {@linkcode stateOf}. */
  readonly state: string;
  /** What else is to be said of its state; empty: nothing. */
  readonly note: string;
  readonly requests: number | null;
  readonly inFlight: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly lag: number | null;
  readonly memory: number;
  readonly age: number;
  readonly generation: number;
  readonly respawns: number;
  readonly exceptions: number;
  readonly lastLeave: string;
}

/** The name of a column that rows can be ordered by. */
export type RowKey = keyof SlotRow;

/** What the rows are ordered by. */
export interface RowOrder {
  readonly key: RowKey;
  readonly descending: boolean;
}

/** One row per slot, in the order of the document. */
export function rowsOf(stats: Stats, rates: InstanceRates | null): SlotRow[] {
  return stats.workers.map((worker) => {
    const own = rates?.workers.get(worker.id);
    return {
      id: worker.id,
      pid: worker.pid,
      state: stateOf(worker),
      note: noteOf(worker),
      requests: own?.requests ?? null,
      inFlight: worker.in_flight,
      p50: own?.p50_us ?? null,
      p99: own?.p99_us ?? null,
      lag: worker.pid > 0 ? worker.lag_us : null,
      memory: worker.rss,
      age: worker.age_ms,
      generation: worker.generation,
      // The first worker of a slot is no respawn.
      respawns: Math.max(0, worker.respawn_count - 1),
      exceptions: worker.exceptions,
      lastLeave: worker.last_leave ?? "",
    };
  });
}

/** One word: `busy` and `cheap` are the stats' own, the others are states of a worker. */
function stateOf(worker: StatsWorker): string {
  if (worker.state === "none") {
    if (worker.status === "cheap") return "cheap";
    return worker.respawn_in_ms === null ? "none" : "waiting";
  }
  return worker.state === "accepting" && worker.in_flight > 0 ? "busy" : worker.state;
}

function noteOf(worker: StatsWorker): string {
  const notes: string[] = [];
  if (worker.respawn_in_ms !== null) {
    notes.push(`next start in ${formatDuration(worker.respawn_in_ms)}`);
  }
  if (worker.deaths > 0) notes.push(`${counted(worker.deaths, "death")} in a row`);
  const states = Map.groupBy(worker.others, ({ state }) => state);
  for (const [state, processes] of states) notes.push(`${processes.length} ${state}`);
  return notes.join(", ");
}

/** The rows in this order; those without a value come last, equal ones by their number. */
export function ordered(rows: readonly SlotRow[], { key, descending }: RowOrder): SlotRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [a[key], b[key]];
    const [noLeft, noRight] = [isNothing(left), isNothing(right)];
    if (noLeft || noRight) return Number(noLeft) - Number(noRight) || a.id - b.id;
    return sign * compare(left, right) || a.id - b.id;
  });
}

function isNothing(value: SlotRow[RowKey]): boolean {
  return value === null || value === "";
}

function compare(left: SlotRow[RowKey], right: SlotRow[RowKey]): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return String(left).localeCompare(String(right), "en");
}
