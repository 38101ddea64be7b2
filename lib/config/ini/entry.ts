/**
 * The two shapes a configuration has before it is a `Config`: lines as written, wherever they were
 * written, and the entries that are left once directives have been carried out.
 *
 * @module
 */

import { findRow } from "../options.ts";
import type { Origin } from "../origin.ts";

/** One setting as written: in an INI file, on the command line or in the environment. */
export interface SettingLine {
  /** Name of the option, long form, as written. */
  readonly key: string;
  /** Text after the `=`, or null when there was none. */
  readonly value: string | null;
  /** Where it was written. */
  readonly origin: Origin;
}

/** One setting that counts, in the order in which settings take effect. */
export interface Entry extends SettingLine {
  /** Whether it only defines a `%(name)` and is no option at all (`set-placeholder`). */
  readonly placeholder: boolean;
  /** True if a part of the value was read from a file (`@(…)`): messages do not show it. */
  readonly fromFile?: boolean;
}

/** An entry whose value still has placeholders in it. */
export interface RawEntry extends Entry {
  /** What `%(_)` stands for in its value, or null outside of conditions and loops. */
  readonly matched: string | null;
}

/** Entries in order, and the first one of each name, which is the one `%(name)` refers to. */
export class RawEntries implements Iterable<RawEntry> {
  readonly #all: RawEntry[] = [];
  readonly #first = new Map<string, RawEntry>();

  /** Adds an entry behind the others. */
  add(entry: RawEntry): void {
    this.#all.push(entry);
    const name = preferredName(entry.key);
    if (!this.#first.has(name)) this.#first.set(name, entry);
  }

  /** The first entry with this name, or with another name of the same option. */
  first(name: string): RawEntry | undefined {
    return this.#first.get(preferredName(name));
  }

  /** All entries, in order. */
  [Symbol.iterator](): Iterator<RawEntry> {
    return this.#all[Symbol.iterator]();
  }
}

function preferredName(name: string): string {
  return findRow(name)?.name ?? name;
}
