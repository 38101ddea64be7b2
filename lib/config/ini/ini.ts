/**
 * The INI syntax: text in, the ordered lines of one section out. A line is a header, a comment, or
 * `name = value`; there are no quotes, no escapes, no continued lines and no comments after a value.
 *
 * @module
 */

import type { SettingLine } from "./entry.ts";
import { formatOrigin, type Problems } from "../problem.ts";
import type { Origin } from "../origin.ts";

/** One section of a file. */
export interface Section {
  /** Its lines in order, all occurrences of the section together; null when there is none. */
  readonly lines: readonly SettingLine[] | null;
  /** The names of all sections of the file, in order of appearance. */
  readonly names: readonly string[];
}

/**
 * Reads the lines of one section.
 *
 * Lines end at LF; space, tab and CR around lines, names and values are dropped, and so is a byte
 * order mark. Only the section asked for is checked, because others may belong to other programs,
 * but what stands above the first header belongs to nobody and is a mistake.
 *
 * @param file Name of the file for messages.
 * @param substitute Replaces magic variables in one line of the section, or in one header.
 */
export function readSection(
  text: string,
  file: string,
  wanted: string,
  substitute: (text: string, origin: Origin) => string,
  problems: Problems,
): Section {
  const lines: SettingLine[] = [];
  const names = new Set<string>();
  let section: string | null = null;
  let homeless = false;
  for (const [index, raw] of text.replace(/^\ufeff/, "").split("\n").entries()) {
    const origin: Origin = { file, line: index + 1 };
    const line = trimSpace(raw);
    if (line === "" || line.startsWith(";") || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      section = trimSpace(substitute(readHeader(line, origin, problems), origin));
      names.add(section);
    } else if (section === wanted) {
      const parsed = readLine(substitute(line, origin), origin, problems);
      if (parsed !== null) lines.push(parsed);
    } else if (section === null && !homeless) {
      homeless = true;
      problems.error(
        origin,
        `The line at ${formatOrigin(origin)} is in no section: write [${wanted}] above it`,
      );
    }
  }
  return { lines: names.has(wanted) ? lines : null, names: [...names] };
}

function readHeader(line: string, origin: Origin, problems: Problems): string {
  const header = /^\[([^\[\]]+)\]$/.exec(line);
  if (header === null) {
    problems.error(
      origin,
      `The section header at ${formatOrigin(origin)} is malformed: ` +
        `write [name] and nothing else on the line`,
    );
  }
  return header?.[1] ?? line.slice(1).replace(/\].*$/s, "");
}

function readLine(line: string, origin: Origin, problems: Problems): SettingLine | null {
  const equals = line.indexOf("=");
  const key = trimSpace(equals < 0 ? line : line.slice(0, equals));
  if (key === "") {
    problems.error(
      origin,
      `The line at ${formatOrigin(origin)} has no name in front of the =: write name = value`,
    );
    return null;
  }
  return { key, value: equals < 0 ? null : trimSpace(line.slice(equals + 1)), origin };
}

/** Drops space as uWSGI does: no other characters that are space to JavaScript. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\r";
}
