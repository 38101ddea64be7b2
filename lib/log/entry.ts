/**
 * One entry of a log, before it is known how it looks and where it goes.
 *
 * @module
 */

/** How much an entry matters. */
export type EntryLevel = "debug" | "info" | "warning" | "error" | "fatal";

/** One entry. */
export interface LogEntry {
  /** How much it matters. */
  readonly level: EntryLevel;
  /** What it says: one line, or several, without a newline at the end. */
  readonly text: string;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** Who says it: the master (`duwsgi`), `worker`, `mule`, `daemon`, `request`. */
  readonly logger: string;
  /** True if the text is a JSON object already. @default false */
  readonly isObject?: boolean;
  /** What machines read of it. */
  readonly fields: Readonly<Record<string, unknown>>;
}
