/**
 * Where an option was written, for messages about what turns out only later.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { Entry } from "./ini/entry.ts";
import { findOptionKey, OPTIONS } from "./options.ts";
import { formatOrigin } from "./problem.ts";

/** The use of an option that counts, as `uid (app.ini:3)`; only its name when it was not used. */
export function optionPlace(entries: readonly Entry[], key: keyof Config): string {
  const entry = entries.findLast((one) => !one.placeholder && findOptionKey(one.key) === key);
  return entry === undefined ? OPTIONS[key].name : `${entry.key} (${formatOrigin(entry.origin)})`;
}
