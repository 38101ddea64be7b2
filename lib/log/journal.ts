/**
 * Entries in the native protocol of systemd-journald (systemd.io/JOURNAL_NATIVE_PROTOCOL). Pure.
 *
 * @module
 */

import type { LogEntry } from "./entry.ts";
import { SEVERITY } from "./syslog.ts";

const ENCODER = new TextEncoder();
const NEWLINE = 10;

/** One entry as a datagram. */
export function journalEntry(tag: string, entry: LogEntry, text: string): Uint8Array<ArrayBuffer> {
  const own = Object.entries(entry.fields).flatMap(([name, value]) =>
    value === null || typeof value === "object" ? [] : [[fieldName(name), String(value)] as const]
  );
  const fields: (readonly [string, string])[] = [
    ["PRIORITY", String(SEVERITY[entry.level])],
    ["SYSLOG_IDENTIFIER", tag],
    ["DUWSGI_LOGGER", entry.logger],
    ...own,
    ["MESSAGE", text],
  ];
  return joined(fields.map(([name, value]) => field(name, value)));
}

/** `DUWSGI_` and the name in capitals: `afterMs` becomes `DUWSGI_AFTER_MS`. */
function fieldName(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9_]/g, "_");
  return `DUWSGI_${words.toUpperCase()}`.slice(0, 64);
}

/** A value of several lines is written with its length, 64 bits with the lowest byte first. */
function field(name: string, value: string): Uint8Array {
  if (!value.includes("\n")) return ENCODER.encode(`${name}=${value}\n`);
  const bytes = ENCODER.encode(value);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  return joined([ENCODER.encode(`${name}\n`), length, bytes, new Uint8Array([NEWLINE])]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
