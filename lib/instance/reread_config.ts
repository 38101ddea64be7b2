/**
 * What a reload does beside starting workers: it reads the configuration again and compares it with the
 * one in use, and may replace the master's program. No start needs it, so it is loaded while the workers
 * start.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { difference } from "../config/difference.ts";
import { loadGrammars } from "../config/kinds/line_reader.ts";
import type { Loaded } from "../config/load.ts";
import type { Problem } from "../config/problem.ts";
import { logLine } from "../master/log.ts";
import type { ReloadSupport, RereadResult } from "../master/master_setup.ts";
import { Upgrade } from "../master/upgrade/upgrade.ts";
import type { Resources } from "../master/resources.ts";
import type { SourceBase } from "./config_source.ts";
import type { Libc } from "../system/libc.ts";
import { binaryNow, type Started } from "../system/process/program.ts";
import { logProblems, runConfigOf } from "./run_config_of.ts";

/** What reloads work with. */
export interface ReloadingSetup {
  /** Null: foreign functions are not available. */
  readonly libc: Libc | null;
  readonly base: SourceBase;
  readonly resources: Resources;
  /** Variables that the next program gets, and other children do not. */
  readonly role: Readonly<Record<string, string>>;
  /** Reads the configuration. */
  readonly loadAgain: () => Loaded;
}

/** Makes what the master takes for its reloads. */
export async function prepareReloading(setup: ReloadingSetup): Promise<ReloadSupport> {
  await loadGrammars();
  const { libc: c, base, resources, role, loadAgain } = setup;
  return {
    readAgain: (current) => readAgain(current, loadAgain(), c && base.started),
    replacement: c && new Upgrade(c, base, resources, role),
  };
}

/** The configuration for a reload, or why it is no good; what needs a restart stays as it is. */
function readAgain(
  current: Config,
  loaded: Loaded,
  started: Started | null,
): RereadResult | string {
  logProblems(loaded.problems);
  const whole = runConfigOf(loaded);
  if (whole === null) return whyNoGood(loaded.problems);
  const kept: Partial<Record<keyof Config, unknown>> = {};
  let outdated = started !== null && started.binary !== binaryNow();
  for (const { key, option, onChange } of difference(current, whole.config)) {
    // The next program cannot know what standard error was before the log file.
    const lasting = key === "logto" && whole.config.logto === "";
    const replaced = onChange === "exec" && started !== null && !lasting;
    outdated ||= replaced;
    if (replaced || onChange === "master" || onChange === "workers") continue;
    kept[key] = current[key];
    const text = `${option} has changed, which takes effect only after a restart`;
    logLine("warning", text, { event: "needsRestart", option });
  }
  const instruction = { ...whole, config: { ...whole.config, ...kept as Partial<Config> } };
  return { instruction, whole, outdated };
}

/** The first error, which names file and line, and how many follow it in the log. */
function whyNoGood(problems: readonly Problem[]): string {
  const [first, ...others] = problems.filter(({ severity }) => severity === "error");
  if (first === undefined) return "the configuration has errors";
  const more = others.length === 0 ? "" : ` (and ${others.length} more, see the log)`;
  return `the configuration has errors: ${first.message}${more}`;
}
