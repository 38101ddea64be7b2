/**
 * Messages of RFC 5424, and how a stream keeps them apart (RFC 6587, octet counting). Pure.
 *
 * @module
 */

import type { EntryLevel, LogEntry } from "./entry.ts";

/** Severities of RFC 5424, which the journal calls priorities. */
export const SEVERITY: Readonly<Record<EntryLevel, number>> = {
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

/** What all messages of one process have in common. */
export interface SyslogSource {
  /** Number of the facility. */
  readonly facility: number;
  /** APP-NAME. */
  readonly tag: string;
  readonly hostname: string;
  readonly pid: number;
}

/** One message: `<30>1 2026-01-31T23:59:59.123Z host duwsgi 42 - [duwsgi worker="1"] text`. */
export function syslogMessage(source: SyslogSource, entry: LogEntry, text: string): string {
  const { facility, tag, hostname, pid } = source;
  const priority = facility * 8 + SEVERITY[entry.level];
  const time = new Date(entry.at).toISOString();
  const head = [time, header(hostname, 255), header(tag, 48), String(pid), messageId(entry)];
  return `<${priority}>1 ${head.join(" ")} ${structuredData(entry.fields)} ${text}`;
}

/** Puts the length in front of a message, as a stream needs it. */
export function lengthPrefixed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new TextEncoder().encode(`${message.length} `);
  const framed = new Uint8Array(length.length + message.length);
  framed.set(length);
  framed.set(message, length.length);
  return framed;
}

/** MSGID is what kind of message it is: what happened, or who writes. */
function messageId({ fields, logger }: LogEntry): string {
  return header(typeof fields.event === "string" ? fields.event : logger, 32);
}

/** A field of the header is printable ASCII without spaces, or a dash. */
function header(text: string, longest: number): string {
  return text.replace(/[^!-~]/g, "_").slice(0, longest) || "-";
}

/** Who writes, where a collector can look for it. 32473 is the number that RFC 5612 has for examples. */
const ELEMENT = "duwsgi@32473";
const SHOWN = ["worker", "mule", "generation", "daemon", "stream"] as const;

function structuredData(fields: LogEntry["fields"]): string {
  const shown = SHOWN.filter((name) => fields[name] !== undefined);
  if (shown.length === 0) return "-";
  const parameters = shown.map((name) =>
    `${name}="${String(fields[name]).replace(/[\\"\]]/g, "\\$&")}"`
  );
  return `[${ELEMENT} ${parameters.join(" ")}]`;
}
