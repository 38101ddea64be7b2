/**
 * What a configuration that was read tells the master, and what it tells the user.
 *
 * @module
 */

import type { Loaded } from "../config/load.ts";
import type { Problem } from "../config/problem.ts";
import { optionsForModule } from "../config/show_config.ts";
import { logLine } from "../master/log.ts";
import type { RunConfig } from "../master/run_config.ts";

/** The configuration as the master takes it; null: it is no good. */
export function runConfigOf({ config, entries }: Loaded): RunConfig | null {
  return config === null ? null : { config, opt: optionsForModule(entries) };
}

/** Writes to the log what is wrong with it. */
export function logProblems(problems: readonly Problem[]): void {
  for (const { severity, message } of problems) {
    if (severity === "error") logLine("error", message, { event: "problem" });
    else logLine("warning", message, { event: "problem" });
  }
}
