/**
 * Runs in the master. What happens to lines that others print and the master passes on: those of hooks,
 * daemons and commands, of workers that start, and the last words of those that die.
 *
 * @module
 */

import type { EntryLevel } from "../../log/entry.ts";
import { printLine } from "../../system/files/line_writer.ts";

/** Who printed a line. */
export interface OutputSource {
  /** What kind of process: `worker`, `mule`, `daemon`, `hook`. */
  readonly logger: string;
  /** What tells it from others of its kind. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** @default "info" */
  readonly level?: EntryLevel;
}

/** Where it printed it; `output`: one of the two. */
export type OutputStream = "stdout" | "stderr" | "output";

/** Takes such a line. */
export type ChildLogger = (source: OutputSource, stream: OutputStream, line: string) => void;

let passOn: ChildLogger = (_source, stream, line) =>
  printLine(stream === "stdout" ? "stdout" : "stderr", line);

/** Passes a line on: as it is to where it came from, unless the log says otherwise. */
export function logChildLine(source: OutputSource, stream: OutputStream, line: string): void {
  passOn(source, stream, line);
}

/** From now on, lines are passed on like this. */
export function setChildLogger(other: ChildLogger): void {
  passOn = other;
}
