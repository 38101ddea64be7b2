/**
 * Compares two configurations: which options changed, and what each change needs to be in force.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { OnChange } from "./kinds/option_spec.ts";
import { OPTION_KEYS, OPTIONS } from "./options.ts";

/** One option with another value than before. */
export interface Difference {
  /** Its key. */
  readonly key: keyof Config;
  /** Its name in the configuration, for messages. */
  readonly option: string;
  /** What the new value needs to be in force. */
  readonly onChange: OnChange;
  /** The value before, for messages; lists are separated by commas. */
  readonly before: string;
  /** The value now. */
  readonly after: string;
}

/**
 * The options that differ, in the order of the option table. Values are compared as they would be
 * written, so an option that merely moved to another line does not differ.
 */
export function difference(before: Config, after: Config): Difference[] {
  return OPTION_KEYS.flatMap((key) => {
    const { name: option, onChange } = OPTIONS[key];
    const then = writtenValues(key, before);
    const now = writtenValues(key, after);
    if (JSON.stringify(then) === JSON.stringify(now)) return [];
    return [{ key, option, onChange, before: display(then), after: display(now) }];
  });
}

function writtenValues<K extends keyof Config>(key: K, config: Config): (readonly string[])[] {
  return OPTIONS[key].kind.write(config[key]).map(({ name, value }) => [value, name ?? ""]);
}

function display(values: readonly (readonly string[])[]): string {
  return values.map(([value]) => value).join(", ") || "nothing";
}
