/**
 * Replaces the placeholders in values: `$(NAME)` by the environment, `@(file)` by the content of a
 * file, `%(name)` by another value of the configuration.
 *
 * They can be nested (`@(%(dir)/key)`) and are replaced from the inside outwards, in one go: what
 * comes out of the environment or a file is data and not looked at again. uWSGI makes one pass per
 * kind instead, so that neither `@(%(dir)/key)` nor a dollar sign in a file does what one expects.
 *
 * @module
 */

import type { RawEntries, RawEntry } from "./entry.ts";
import { findRow } from "../options.ts";
import { evaluatePipeline } from "./arithmetic.ts";
import { formatOrigin, type Problems } from "../problem.ts";
import type { ConfigSource } from "../source.ts";
import type { Budget, TextFiles } from "./text_files.ts";
import type { Origin } from "../origin.ts";

/** Characters a value may have: more do not fit into one argument or variable, see execve(2). */
const LONGEST_VALUE = 131_072;
/** Placeholders that may refer to each other in a row, and be nested in each other. */
const DEEPEST = 32;

/** What the values of one configuration are made from. */
export interface ExpansionScope {
  /** The world outside. */
  readonly source: ConfigSource;
  /** The files read. */
  readonly texts: TextFiles;
  /** The entries `%(name)` refers to; may grow. */
  readonly entries: RawEntries;
  /** Where mistakes are reported. */
  readonly problems: Problems;
  /** What may be used up. */
  readonly allowance: Budget;
}

/** Where a value stands: decides what `%(_)` means, and what messages say. */
export interface ValuePlace {
  /** Where it was written. */
  readonly origin: Origin;
  /** What `%(_)` stands for, or null. */
  readonly matched: string | null;
  /** Whether a `%(name)` that is not defined is no mistake. @default false */
  readonly ownPlaceholders?: boolean;
}

/** A placeholder whose end has not been seen yet. */
interface Frame {
  readonly sigil: string;
  text: string;
}

/** Expands values. Each entry's value is worked out once, so no entry may be added meanwhile. */
export class Expander {
  /** Names that were looked up as `%(name)`. */
  readonly used = new Set<string>();
  readonly #scope: ExpansionScope;
  readonly #complete: boolean;
  readonly #values = new Map<RawEntry, string>();
  readonly #active = new Set<RawEntry>();
  readonly #fromFiles = new Set<RawEntry>();
  /** Whether what is being replaced has met a file. */
  #metFile = false;

  /** @param complete Whether the scope has all entries already, or only those above the place. */
  constructor(scope: ExpansionScope, complete: boolean) {
    this.#scope = scope;
    this.#complete = complete;
  }

  /**
   * The value of an entry, placeholders replaced; null if it was written without one.
   *
   * @param origin What problems are attributed to.
   */
  entryValue(entry: RawEntry, origin: Origin = entry.origin): string | null {
    if (entry.value === null) return null;
    const known = this.#values.get(entry);
    if (known !== undefined) {
      this.#metFile ||= this.#fromFiles.has(entry);
      return known;
    }
    const metBefore = this.#metFile;
    this.#metFile = false;
    this.#active.add(entry);
    const { ownPlaceholders = false } = findRow(entry.key) ?? {};
    const value = this.expand(entry.value, { origin, matched: entry.matched, ownPlaceholders });
    this.#active.delete(entry);
    this.#values.set(entry, value);
    if (this.#metFile) this.#fromFiles.add(entry);
    this.#metFile ||= metBefore;
    return value;
  }

  /** True if a part of the value of an entry, which was asked for before, comes from a file. */
  isFromFile(entry: RawEntry): boolean {
    return this.#fromFiles.has(entry);
  }

  /**
   * Replaces the placeholders in a text. What cannot be replaced stays as it is and is reported:
   * an undefined name as a warning, a file that cannot be read as an error.
   *
   * @throws {LimitError} When the configuration as a whole has become too large.
   */
  expand(text: string, place: ValuePlace): string {
    const root: Frame = { sigil: "", text: "" };
    const open: Frame[] = [];
    const append = (piece: string) => {
      const frame = open.at(-1) ?? root;
      frame.text += piece;
      return frame.text.length <= LONGEST_VALUE;
    };
    let end = 0;
    let fits = true;
    for (const { 0: token, index } of text.matchAll(/[$@%]\(|\)/g)) {
      if (token === ")" && open.length === 0) continue;
      fits = append(text.slice(end, index)) && fits;
      end = index + token.length;
      if (token === ")") {
        const frame = open.pop() ?? root;
        fits = append(this.#replace(frame, place)) && fits;
      } else {
        open.push({ sigil: token.slice(0, 1), text: "" });
      }
      if (!fits) break;
    }
    fits = append(text.slice(end)) && fits;
    const unclosed = open.map((frame) => `${frame.sigil}(${frame.text}`);
    if (fits && unclosed[0] !== undefined) {
      this.#report("warning", place, unclosed[0], "has no closing parenthesis");
    }
    return this.#limited(root.text + unclosed.join(""), place);
  }

  #limited(value: string, place: ValuePlace): string {
    this.#scope.allowance.spendCharacters(value.length);
    if (value.length <= LONGEST_VALUE) return value;
    this.#report(
      "error",
      place,
      "The value",
      `has more than ${LONGEST_VALUE} characters: no argument or variable can be longer`,
    );
    return "";
  }

  #replace({ sigil, text }: Frame, place: ValuePlace): string {
    const asWritten = `${sigil}(${text})`;
    switch (sigil) {
      case "$":
        return this.#variable(text, place) ?? asWritten;
      case "@":
        return this.#content(text, place) ?? asWritten;
      default:
        return this.#placeholder(text, place) ?? asWritten;
    }
  }

  /** `NAME`, `NAME-default` (if not set) or `NAME:-default` (if not set or empty), as in sh(1). */
  #variable(text: string, place: ValuePlace): string | null {
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)(:?-)([^]*)$/.exec(text);
    const name = parts?.[1] ?? text;
    const environment = this.#scope.source.environment();
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (parts !== null && (value === undefined || (parts[2] === ":-" && value === ""))) {
      return parts[3] ?? "";
    }
    if (value !== undefined) return value;
    this.#report(
      "warning",
      place,
      `$(${name})`,
      "is not in the environment and stays as it is: set it, or write $(NAME:-default)",
    );
    return null;
  }

  /** The content of a file without its last line end, or of a `data:,` URL (RFC 2397). */
  #content(text: string, place: ValuePlace): string | null {
    try {
      if (text.startsWith("data:,")) return decodeURIComponent(text.slice("data:,".length));
      if (/^[a-z]+:\/\//.test(text)) {
        throw new SyntaxError("cannot be used: the name of a file is possible, and data:,TEXT");
      }
      this.#metFile = true;
      return this.#scope.texts.read(text).replace(/^\ufeff/, "").replace(/\r?\n$/, "");
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof URIError)) throw error;
      const what = error instanceof URIError ? "has a malformed percent sequence" : error.message;
      this.#report("error", place, `@(${text})`, what);
      return null;
    }
  }

  #placeholder(text: string, place: ValuePlace): string | null {
    const words = text.split(/\s+/).filter((word) => word !== "");
    const [name, ...more] = words;
    if (more.length === 0) {
      const value = name === undefined ? undefined : this.#lookUp(name, place);
      if (value !== undefined) return value;
      if (place.ownPlaceholders) return null;
      const where = this.#complete ? "" : " above that line";
      this.#report("warning", place, `%(${text})`, `is not defined${where} and stays as it is`);
      return null;
    }
    return evaluatePipeline(
      words,
      (word) => this.#lookUp(word, place),
      (message) => this.#report("error", place, `%(${text})`, message),
      LONGEST_VALUE,
    );
  }

  /** The value behind a name: of the enclosing block for `_`, else the first of that name. */
  #lookUp(name: string, place: ValuePlace): string | undefined {
    if (name === "_") return place.matched ?? undefined;
    this.used.add(name);
    const entry = this.#scope.entries.first(name);
    if (entry === undefined) return undefined;
    if (this.#active.has(entry) || this.#active.size >= DEEPEST) {
      const what = this.#active.has(entry) ? "refers to itself" : "is nested too deeply";
      this.#report("error", place, `%(${name})`, what);
      return "";
    }
    // A directive is carried out before the rest is read: what is missing now may come later, so
    // the mistake, if it is one, is the directive's.
    return this.entryValue(entry, this.#complete ? entry.origin : place.origin) ?? "";
  }

  #report(
    severity: "error" | "warning",
    { origin }: ValuePlace,
    subject: string,
    what: string,
  ): void {
    const shown = subject.length > 80 ? `${subject.slice(0, 80)}…` : subject;
    this.#scope.problems[severity](origin, `${shown} at ${formatOrigin(origin)} ${what}`);
  }
}
