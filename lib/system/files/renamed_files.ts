/**
 * The files that a rotation has renamed: what they are called, and which of them are removed.
 *
 * @module
 */

import type { Libc } from "../libc.ts";
import { openPlace } from "./trusted_path.ts";

/** What the `count`-th file that is renamed within a second is called. */
export function renamedName(name: string, seconds: number, count: number): string {
  return count === 1 ? `${name}.${seconds}` : `${name}.${seconds}.${count}`;
}

/**
 * The names among these that a rotation of `name` gives, from the oldest to the youngest: nine to eleven
 * digits, which are times from 1973 on, and a number behind them if there were more within that second.
 */
export function renamedNames(names: Iterable<string>, name: string): string[] {
  const found: { readonly name: string; readonly seconds: number; readonly count: number }[] = [];
  for (const one of names) {
    if (!one.startsWith(`${name}.`)) continue;
    const match = /^([1-9]\d{8,10})(?:\.([2-9]|[1-9]\d{1,5}))?$/.exec(one.slice(name.length + 1));
    if (match === null) continue;
    found.push({ name: one, seconds: Number(match[1]), count: Number(match[2] ?? 1) });
  }
  return found.sort((a, b) => a.seconds - b.seconds || a.count - b.count).map(({ name }) => name);
}

/**
 * Removes renamed files beside `path`, but for the `keep` youngest ones. What is no regular file stays,
 * and counts for nothing.
 *
 * @param owners Users beside root who may own or write to the directories of the path; null: anybody.
 * @returns How many were removed.
 * @throws {UnsafePathError} If the path cannot be trusted.
 * @throws {Error} If the directory cannot be read, or a file cannot be removed.
 */
export async function removeRenamedFiles(
  c: Libc,
  path: string,
  keep: number,
  owners: readonly number[] | null,
): Promise<number> {
  using place = openPlace(c, path, { owners, follow: false });
  const names: string[] = [];
  // The directory that was found, whatever its path means by now. It may be large, so nobody waits.
  for await (const { name, isFile } of Deno.readDir(`/proc/self/fd/${place.directory}`)) {
    if (isFile) names.push(name);
  }
  const files = renamedNames(names, place.name).map((name) => place.sibling(name))
    .filter((file) => file.status()?.type === "regular");
  const old = files.slice(0, Math.max(0, files.length - keep));
  for (const file of old) file.remove();
  return old.length;
}
