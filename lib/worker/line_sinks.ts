/**
 * Runs in the worker. What it writes its log lines to: standard error as it is, unless a preload of
 * its own has put something else there before the script runs.
 *
 * @module
 */

import type { LineSinks } from "../protocol/log_targets.ts";
import { fastWrite } from "../system/fast_write.ts";
import { stderrLines } from "../system/line_writer.ts";
import { currentInstance } from "./instance.ts";

let sinks: LineSinks | null = null;

/** What this process writes its lines to. */
export function lineSinks(): LineSinks {
  sinks ??= standardError();
  return sinks;
}

/** Called by the preload that gives this process other targets. */
export function useLineSinks(others: LineSinks): void {
  sinks = others;
}

function standardError(): LineSinks {
  const { libc, environment: { scoreboard, stderr } } = currentInstance();
  // Past the pipe that a starting worker's stderr is: these lines go straight to the log.
  const write = stderrLines(
    libc,
    scoreboard,
    stderr ?? 2,
    libc && fastWrite(libc),
  );
  return {
    log: write,
    request: write,
    requests: (lines) => {
      if (lines.length > 0) write(lines.join("\n"));
    },
  };
}
