/**
 * uWSGI's `key=value,key=value`, as `attach-daemon2` and `cron2` have it. `\,` is a comma that belongs to
 * a value.
 *
 * @module
 */

import { nearestName } from "../../nearest_name.ts";

/**
 * The values by key; a key without `=` has the value 1, as in uWSGI.
 *
 * @param keys What each key that may be used is called in the end: several may mean the same.
 * @throws {SyntaxError} If a key is unknown or there twice; the message continues a sentence.
 */
export function keyValues<K extends string>(
  text: string,
  keys: Readonly<Record<string, K>>,
): ReadonlyMap<K, string> {
  const found = new Map<K, string>();
  for (const part of text.split(/(?<!\\),/)) {
    if (part.trim() === "") continue;
    const [, name = "", value = "1"] = /^\s*([^=]*)(?:=([^]*))?$/.exec(part) ?? [];
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key === undefined) {
      throw new SyntaxError(`has an unknown key "${name}": ${advice(name, keys)}`);
    }
    if (found.has(key)) throw new SyntaxError(`has "${name}" twice: remove one`);
    found.set(key, value.replaceAll("\\,", ","));
  }
  return found;
}

function advice(name: string, keys: Readonly<Record<string, string>>): string {
  const nearest = nearestName(name, Object.keys(keys));
  return nearest === null ? `use ${Object.keys(keys).join(", ")}` : `did you mean "${nearest}"?`;
}

/**
 * A number among key and values.
 *
 * @throws {SyntaxError} If it is none, or out of its limits.
 */
export function wholeNumber(
  what: string,
  text: string,
  smallest: number,
  largest: number,
): number {
  const value = /^-?[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= smallest && value <= largest) return value;
  throw new SyntaxError(
    `expects a whole number from ${smallest} to ${largest} for ${what}, not "${text}"`,
  );
}
