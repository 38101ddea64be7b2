/**
 * What the processes of an instance are called, by uWSGI's options.
 *
 * @module
 */

import type { ProcessConfig } from "../../config/options/process.ts";

/** The options of names. */
export type NameConfig = Pick<
  ProcessConfig,
  | "procname"
  | "procnameMaster"
  | "procnamePrefix"
  | "procnamePrefixSpaced"
  | "procnameAppend"
  | "autoProcname"
>;

/** The name of the master; null: it keeps the one it has. */
export function masterName(config: NameConfig): string | null {
  return decorated(config, config.procnameMaster || config.procname, "duwsgi master");
}

/** The name of the worker of a slot; null: it keeps the one it has. */
export function workerName(config: NameConfig, slot: number): string | null {
  return decorated(config, config.procname, `duwsgi worker ${slot}`);
}

function decorated(config: NameConfig, chosen: string, automatic: string): string | null {
  const { procnamePrefix, procnamePrefixSpaced, procnameAppend, autoProcname } = config;
  const prefix = procnamePrefixSpaced === "" ? procnamePrefix : `${procnamePrefixSpaced} `;
  const named = chosen !== "" || autoProcname || prefix !== "" || procnameAppend !== "";
  return named ? prefix + (chosen || automatic) + procnameAppend : null;
}
