/**
 * What is where in the memory that master and workers share: first a row of the scoreboard for the
 * instance and for each slot, then the master's clock in the place of a process row, then the process rows, then the
 * metrics. Offsets are in bytes.
 *
 * @module
 */

/** Largest number of worker slots of one instance. */
export const MAX_SLOTS = 1024;

/** Largest number of worker processes at the same time, successors and those that leave included. */
export const MAX_PROCESS_ROWS = 4096;

/** Size of a row of the scoreboard. */
export const ROW_BYTES = 320;

/** Size of a process row: whole cache lines, because each is written by another process. */
export const PROCESS_ROW_BYTES = 512;

/** Where the clock is, and behind it the process rows: number 1 is one size further. */
export const PROCESS_ROWS_AT = (MAX_SLOTS + 1) * ROW_BYTES;

/** The 32-bit cell of a process row that holds the slot of its process; 0: nobody has had it. */
export const OWNER_CELL = 0;

/** Where in a process row the counters of its process is. */
export const COUNTERS_AT = 32;

/** Where the cells of metrics begin, see `metric_table.ts`. */
export const METRICS_AT = PROCESS_ROWS_AT + (MAX_PROCESS_ROWS + 1) * PROCESS_ROW_BYTES;

/** How many 64-bit cells there are for metrics: one for each, some for each histogram. */
export const METRIC_CELLS = 65_536;

/** Size of it all. Pages that nobody touches take no memory. */
export const SHARED_BYTES = METRICS_AT + METRIC_CELLS * 8;

/**
 * A table that is looked up while a worker's script runs: places in shared memory by name, for example.
 * It has no prototype and cannot be changed, because the script can change `Object.prototype`, the
 * methods of `Map`, and what modules export.
 */
export function tableOf<T extends object>(entries: T): Readonly<T> {
  return Object.freeze(Object.assign(Object.create(null), entries)) as Readonly<T>;
}
