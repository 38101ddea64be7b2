/**
 * Runs in the master. The scoreboard as the master keeps it, in memory of its own: which process row belongs to
 * which slot, what is known of a slot, and what its processes have counted. Workers are shown the same in
 * shared memory, where each of them can write, so nothing is read back from there but the counters of the
 * running processes, with care (`checked_counters.ts`).
 *
 * @module
 */

import { ProcessRow } from "../../shared_memory/process_row.ts";
import {
  type MasterCell,
  Scoreboard,
  ScoreboardWriter,
  type SlotCell,
} from "../../shared_memory/scoreboard.ts";
import {
  add,
  type Count,
  COUNT_AT,
  COUNTER_CELLS,
  isCount,
  type List,
  LIST_AT,
  listLength,
  type RequestCounters,
} from "../../shared_memory/counters.ts";
import { CheckedCounters, type CountersRecord, type Milliseconds } from "./checked_counters.ts";

/** What is known of a slot beside its counts. */
type Row = Readonly<Partial<Record<MasterCell, number>>>;

/** A slot, for another program of the master. */
export interface SlotRecord {
  readonly row: Row;
  /** What its processes have counted that are gone. */
  readonly kept: readonly number[];
}

/** The scoreboard, for another program of the master. */
export interface ScoreboardRecord {
  /** By number; 0 stands for processes that have no slot, and for the master. */
  readonly slots: Readonly<Record<number, SlotRecord>>;
  /** The process rows of running processes, by number. */
  readonly lanes: Readonly<Record<number, CountersRecord & { readonly slot: number }>>;
}

/** A running process. */
interface Running {
  readonly processRow: ProcessRow;
  readonly counters: CheckedCounters;
}

/** What is kept of a slot. */
interface SlotCounts {
  readonly row: Partial<Record<MasterCell, number>>;
  readonly kept: RequestCounters;
  /** Its processes, by the numbers of their process rows. */
  readonly running: Map<number, Running>;
}

/** The master's own losses are those of no slot. */
const NO_SLOT = 0;

/** All slots. */
export class MasterScoreboard {
  readonly #shown: ScoreboardWriter;
  readonly #averages: Scoreboard;
  readonly #clock: Milliseconds;
  readonly #slots = new Map<number, SlotCounts>();
  /** The slot of each process row that is in use. */
  readonly #owners = new Map<number, number>();

  /**
   * Takes the shared memory.
   *
   * @param record What another program of the master has known.
   * @param clock Tells how long processes have counted.
   */
  constructor(
    memory: ArrayBufferLike,
    record: ScoreboardRecord | null = null,
    clock: Milliseconds = () => performance.now(),
  ) {
    this.#shown = new ScoreboardWriter(memory);
    this.#averages = new Scoreboard(memory);
    this.#clock = clock;
    for (const [slot, { row, kept }] of Object.entries(record?.slots ?? {})) {
      const counts = this.#slot(Number(slot));
      Object.assign(counts.row, row);
      counts.kept.set(kept);
    }
    for (const [number, before] of Object.entries(record?.lanes ?? {})) {
      this.#begin(Number(number), before.slot, new ProcessRow(memory, Number(number)), before);
    }
  }

  /** Reads a cell of a slot (slots count from 1), or adds up a count of its processes. */
  get(slot: number, cell: SlotCell): number {
    if (isCount(cell)) return this.#sum(slot, COUNT_AT[cell]);
    if (cell === "averageTime") return this.#averages.get(slot, cell);
    return this.#slots.get(slot)?.row[cell] ?? 0;
  }

  /** Adds up a list of counts of a slot's processes. */
  list(slot: number, list: List): number[] {
    return Array.from({ length: listLength(list) }, (_, i) => this.#sum(slot, LIST_AT[list] + i));
  }

  /** Adds up a count of all processes that there are, or were. */
  total(count: Count): number {
    return [...this.#slots.keys()].reduce((sum, slot) => sum + this.get(slot, count), 0);
  }

  /** Writes a cell of a slot; fractions are cut off. */
  set(slot: number, cell: MasterCell, value: number): void {
    this.#slot(slot).row[cell] = Math.trunc(value);
    this.#shown.set(slot, cell, value);
  }

  /** Adds one to a cell of a slot. */
  increment(slot: number, cell: MasterCell): void {
    this.set(slot, cell, this.get(slot, cell) + 1);
  }

  /** Shows how many slots there are. */
  showSlots(count: number): void {
    this.#shown.showSlots(count);
  }

  /** Shows that the instance is ready, for good. */
  markReady(): void {
    this.#shown.markReady();
  }

  /** The master itself could not write this many log lines. */
  countLost(lines: number): void {
    add(this.#slot(NO_SLOT).kept, COUNT_AT.logLinesLost, lines);
  }

  /**
   * A process of this slot (0: of none) has this process row from now on, which shows nothing yet. What the
   * process before it has counted stays.
   */
  beginProcessRow(number: number, slot: number, processRow: ProcessRow): CheckedCounters {
    this.endProcessRow(number);
    processRow.reset();
    processRow.set("slot", slot);
    return this.#begin(number, slot, processRow, null);
  }

  /** The counters of a process that another program has started; null: it is not known. */
  runningCounters(number: number): CheckedCounters | null {
    const slot = this.#owners.get(number);
    return slot === undefined ? null : this.#slot(slot).running.get(number)?.counters ?? null;
  }

  /** The process that had this process row is gone: what it has counted is kept. */
  endProcessRow(number: number): void {
    const slot = this.#owners.get(number);
    if (slot === undefined) return;
    this.#owners.delete(number);
    const { running, kept } = this.#slot(slot);
    const gone = running.get(number);
    if (gone === undefined) return;
    running.delete(number);
    for (let at = 0; at < COUNTER_CELLS; at++) {
      kept[at] = Math.min((kept[at] ?? 0) + gone.counters.read(at), Number.MAX_SAFE_INTEGER);
    }
    gone.processRow.set("slot", NO_SLOT);
    if (slot !== NO_SLOT) this.#shown.showKept(slot, kept);
  }

  /** What another program of the master has to know. */
  get record(): ScoreboardRecord {
    const slots = [...this.#slots];
    return {
      slots: Object.fromEntries(
        slots.map(([slot, { row, kept }]) => [slot, { row, kept: [...kept] }]),
      ),
      lanes: Object.fromEntries(
        slots.flatMap(([slot, { running }]) =>
          [...running].map(([number, { counters }]) =>
            [number, { ...counters.record, slot }] as const
          )
        ),
      ),
    };
  }

  #begin(
    number: number,
    slot: number,
    processRow: ProcessRow,
    before: CountersRecord | null,
  ): CheckedCounters {
    const counters = new CheckedCounters(processRow.counters, this.#clock, before);
    this.#owners.set(number, slot);
    this.#slot(slot).running.set(number, { processRow, counters });
    this.#shown.useProcessRow(number);
    return counters;
  }

  #sum(slot: number, at: number): number {
    const counts = this.#slots.get(slot);
    if (counts === undefined) return 0;
    let sum = counts.kept[at] ?? 0;
    for (const { counters } of counts.running.values()) sum += counters.read(at);
    return Math.trunc(Math.min(sum, Number.MAX_SAFE_INTEGER));
  }

  #slot(number: number): SlotCounts {
    let counts = this.#slots.get(number);
    if (counts === undefined) {
      counts = { row: {}, kept: new Float64Array(COUNTER_CELLS), running: new Map() };
      this.#slots.set(number, counts);
    }
    return counts;
  }
}
