/**
 * What a line of the log begins with where it is plain text: time, level, and who writes. The master, its
 * workers and the request log have one clock and one zone, that of the process: `TZ`, or the machine's.
 *
 * @module
 */

import type { EntryLevel } from "./entry.ts";

/** Lines come many in a second, so its text is made once. */
let second = NaN;
let [upToSecond, offset] = ["", ""];

/** A time in milliseconds since the epoch as local time with its offset: `2026-01-31 23:59:59.123 +01:00`. */
export function localTime(at: number): string {
  const ms = Math.floor(at);
  const asked = Math.floor(ms / 1000);
  if (asked !== second) {
    second = asked;
    const date = new Date(asked * 1000);
    const minutes = -date.getTimezoneOffset();
    // What is local is written as if it were UTC.
    upToSecond = new Date(asked * 1000 + minutes * 60_000).toISOString().slice(0, 19)
      .replace("T", " ");
    const size = Math.abs(minutes);
    offset = `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  }
  return `${upToSecond}.${String(ms - asked * 1000).padStart(3, "0")} ${offset}`;
}

function two(value: number): string {
  return String(Math.trunc(value)).padStart(2, "0");
}

/** Who prints: a worker by its slot, a mule by its number; empty: the line says it itself. */
export function whoPrints(fields: Readonly<Record<string, unknown>>): string {
  if (typeof fields.worker === "number") return `worker ${fields.worker}`;
  return typeof fields.mule === "number" ? `mule ${fields.mule}` : "";
}

/** What stands before a text: `2026-01-31 23:59:59.123 +01:00 info worker 2: `. */
export function lineHead(at: number, level: EntryLevel, who: string): string {
  return who === "" ? `${localTime(at)} ${level} ` : `${localTime(at)} ${level} ${who}: `;
}
