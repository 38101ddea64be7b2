/**
 * Runs in the worker. What it writes its log lines to: standard error as it is, unless a preload of
 * its own has put something else there before the script runs.
 *
 * @module
 */

import type { EntryLevel } from "../../log/entry.ts";
import { lineHead } from "../../log/line_head.ts";
import type { LineSinks } from "../../log/log_plan.ts";
import { severalLines, stderrLines } from "../../system/files/line_writer.ts";
import { instanceAccess } from "../instance.ts";
import type { LineOutput } from "../operations.ts";

const currentInstance = instanceAccess();

let others: Partial<LineSinks> = {};
let sinks: LineSinks | null = null;

/** What this process writes its lines to. */
export function lineSinks(): LineSinks {
  sinks ??= { ...standardError(), ...others };
  return sinks;
}

/** The worker has other operations from now on. */
export function forgetLineSinks(): void {
  sinks = null;
}

/** Called by the preload that gives this process other targets. */
export function useLineSinks(targets: Partial<LineSinks>): void {
  others = targets;
}

function standardError(): LineSinks {
  const { operations, processRow, environment } = currentInstance();
  // Past the pipe that a starting worker's stderr is: these lines go straight to the log.
  const { line: write, lines: several } = operations?.lines("log") ?? plainError();
  const lost = processRow.counter("logLinesLost");
  const plain = (line: string) => {
    if (!write(line)) lost();
  };
  // Where there is no descriptor of the log, the master passes on what is printed, and puts it before it.
  const log = operations === null || environment.stderr === null
    ? plain
    : (line: string) => plain(headOf("info") + line);
  const requests = (lines: readonly string[]) => {
    const missing = several(lines);
    if (missing > 0) lost(missing);
  };
  return { log, request: plain, requests };
}

/** What stands before a line of this process where the log is plain text. */
export function headOf(level: EntryLevel): string {
  const { slot, mule } = currentInstance().environment;
  return lineHead(Date.now(), level, mule > 0 ? `mule ${mule}` : `worker ${slot}`);
}

/** Standard error without foreign functions. */
function plainError(): LineOutput {
  const line = stderrLines(null, null);
  return { line, lines: severalLines(null, 2, line) };
}

/** Between two lines about the same (10 s). */
const REST_MS = 10_000;

/** A line of the log about something that may happen very often. */
export class RareLine {
  #nextAt = -Infinity;

  /** Writes the line, unless one was written a short while ago. */
  say(line: string): void {
    const now = performance.now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + REST_MS;
    lineSinks().log(line);
  }
}
