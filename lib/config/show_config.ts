/**
 * Writes a configuration back as an INI file that gives the same configuration again, without the
 * files, variables and placeholders it was made from.
 *
 * @module
 */

import { UNPRINTABLE } from "../foreign_text.ts";
import type { Config } from "./config.ts";
import type { Entry } from "./ini/entry.ts";
import type { Loaded } from "./load.ts";
import { findOptionKey, findRow, OPTION_KEYS, OPTIONS } from "./options.ts";

/**
 * The configuration as it was understood: what differs from the defaults, then the defaults as
 * comments, then placeholders. When there were errors and there is no configuration, the entries.
 */
export function showConfig(loaded: Pick<Loaded, "config" | "entries">): string {
  const { config, entries } = loaded;
  const lines = ["[uwsgi]"];
  if (config === null) {
    lines.push(...entries.filter((entry) => !entry.placeholder).map(entryLine));
  } else {
    lines.push(...OPTION_KEYS.flatMap((key) => optionLines(key, config)));
    lines.push(...entries.filter(isUnknown).map(entryLine));
  }
  lines.push(
    ...entries.filter((entry) => entry.placeholder).map(({ key, value }) =>
      `set-placeholder = ${escapeValue(key)}=${escapeValue(value ?? "")}`
    ),
  );
  return `${lines.join("\n")}\n`;
}

/**
 * What scripts find in `uwsgi.opt`: every option and placeholder by the name it was written with,
 * true for one without a value, and the list of values, in order, for one written more than once.
 */
export function optionsForModule(
  entries: readonly Entry[],
): Record<string, string | true | string[]> {
  const found = new Map<string, string | true | string[]>();
  for (const { key, value } of entries) {
    const before = found.get(key);
    if (before === undefined) found.set(key, value ?? true);
    else found.set(key, [...before === true ? ["true"] : [before].flat(), value ?? "true"]);
  }
  return Object.fromEntries(found);
}

/** The uses of one option that give its value; a comment for the default. */
function optionLines<K extends keyof Config>(key: K, config: Config): string[] {
  const { name: preferred, kind, default: unset } = OPTIONS[key];
  const written = kind.write(config[key]).map(({ name, value }) => line(name ?? preferred, value));
  const standard = kind.write(unset).map(({ name, value }) => line(name ?? preferred, value));
  if (written.join("\n") !== standard.join("\n")) return written;
  return standard.map((text) => `; ${text}`);
}

function isUnknown({ key, placeholder }: Entry): boolean {
  return !placeholder && findOptionKey(key) === undefined && findRow(key) === undefined &&
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(key);
}

function entryLine({ key, value }: Entry): string {
  return value === null ? key : line(key, value);
}

function line(name: string, value: string): string {
  return `${name} = ${escapeValue(value)}`;
}

/** Blanks at the ends, what cannot be printed but tabs, and what would begin a placeholder. */
const UNREADABLE = new RegExp(
  `^[ \\t\\r]+|(?<![ \\t\\r])[ \\t\\r]+$|(?!\\t)[${UNPRINTABLE}]|[$@%](?=\\()`,
  "gu",
);

/**
 * Writes a text so that reading an INI file gives it back: a percent sign is doubled, and what the
 * format cannot hold, or would take for a placeholder, becomes a `data:,` URL (RFC 2397).
 */
function escapeValue(text: string): string {
  return text.toWellFormed()
    .replace(
      UNREADABLE,
      (characters) => `@(data:,${encodeURIComponent(characters)})`,
    )
    .replace(/%(?!\()/g, "%%");
}
