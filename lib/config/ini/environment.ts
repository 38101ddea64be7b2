/**
 * Options in the environment: `UWSGI_PROCESSES=4` is `processes = 4`, as in uWSGI.
 *
 * @module
 */

import type { SettingLine } from "./entry.ts";
import { findOptionKey } from "../options.ts";
import { ENVIRONMENT } from "../problem.ts";
import type { ConfigSource } from "../source.ts";

const PREFIX = "UWSGI_";
/** Directives that make sense in a variable; blocks do not. */
const DIRECTIVES: ReadonlySet<string> = new Set(["ini", "include", "inherit", "set-placeholder"]);

/**
 * The lines that variables stand for, sorted by name, since an environment has no order. Variables
 * that name no option are left alone: they may be meant for uWSGI, or for anybody.
 */
export function environmentLines(source: ConfigSource): SettingLine[] {
  return Object.entries(source.environment())
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => ({ key: optionName(name), value }))
    .filter(({ key }) => findOptionKey(key) !== undefined || DIRECTIVES.has(key))
    .sort((a, b) => a.key < b.key ? -1 : 1)
    .map((line, index) => ({ ...line, origin: { file: ENVIRONMENT, line: index + 1 } }));
}

function optionName(variable: string): string {
  return variable.slice(PREFIX.length).toLowerCase().replaceAll("_", "-");
}
