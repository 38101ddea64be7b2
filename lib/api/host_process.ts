/**
 * What an instance may not do to a process that is not its own. Pure.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import type { HookActionName } from "../config/values/hook_line.ts";
import { logKeysSet } from "../config/log_needs.ts";
import { optionPlace } from "../config/option_place.ts";
import { HOOK_PHASES, type HookPhase, hooksOf } from "../config/options/hooks.ts";
import { processKeysSet } from "../config/options/process.ts";
import type { Problem } from "../config/problem.ts";

/** Actions of hooks that change the process, or end it. */
const OF_THE_PROCESS: readonly HookActionName[] = ["cd", "chdir", "putenv", "exit"];

/**
 * The same, without a configuration if it asks for something that would change the whole process: its
 * directory, mask, user, limits, name, environment, program or log.
 *
 * @param cwd The directory the process is in.
 */
export function forHostProcess(loaded: Loaded, cwd: string): Loaded {
  const { config, entries, problems } = loaded;
  if (config === null) return loaded;
  const origin = { file: loaded.files[0] ?? "", line: 1 };
  const refused = keysOfTheProcess(config, cwd).map((key): Problem => ({
    severity: "error",
    message:
      `Cannot do what ${optionPlace(entries, key)} says: it would change the whole process, ` +
      "which is not the master's own. Leave it out, or run duwsgi as a program",
    origin,
  }));
  return refused.length === 0
    ? loaded
    : { ...loaded, config: null, problems: [...problems, ...refused] };
}

function keysOfTheProcess(config: Config, cwd: string): (keyof Config)[] {
  const phases = Object.keys(HOOK_PHASES) as HookPhase[];
  const keys: (keyof Config)[] = [
    // Where it is already, it may be.
    ...config.chdir === "" || config.chdir === cwd ? [] : ["chdir" as const],
    ...config.umask === null ? [] : ["umask" as const],
    ...processKeysSet(config),
    ...logKeysSet(config),
    ...phases.filter((phase) =>
      hooksOf(config, phase).some(({ action }) => OF_THE_PROCESS.includes(action))
    ).map((phase) => `hook ${phase}` as const),
  ];
  return [...new Set(keys)];
}
