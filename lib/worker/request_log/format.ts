/**
 * Compiles `log-format` into a function that makes the line of a request.
 *
 * @module
 */

import type { RequestLogSettings } from "../../protocol/request_log_settings.ts";
import { escapeText } from "./escape.ts";
import type { RequestRecord, WorkerFacts } from "../request_record.ts";
import { compileVariable, type Value, type ValueOf, type Variable } from "./variables.ts";

/** A compiled format. */
export interface LineFormat {
  /** The headers whose values are needed, in lower case, in the order of the record's. */
  readonly headers: readonly string[];
  /** The line of a request, without a line end. */
  readonly line: (request: RequestRecord) => string;
}

/** What decides how a line looks. */
export type FormatSettings = Pick<RequestLogSettings, "format" | "json" | "micros" | "memory">;

/** Compiles the format of the settings. */
export function compileFormat(settings: FormatSettings, worker: WorkerFacts): LineFormat {
  const headers: string[] = [];
  const variable = (name: string) =>
    compileVariable(name, { worker, header: (header) => placeIn(headers, header) });
  const parts = parseFormat(settings.format || defaultFormat(settings));
  const text = joined(
    parts.map((part) => "text" in part ? part.text : asText(variable(part.name))),
  );
  if (!settings.json) return { headers, line: text };
  const names = settings.format === ""
    ? JSON_FIELDS
    : new Set(parts.flatMap((part) => "name" in part ? [part.name] : []));
  const fields = [...names].map((name) => [name, asJson(variable(name))] as const);
  return { headers, line: jsonLine(text, fields) };
}

/** What a JSON line holds unless `log-format` names something else. */
const JSON_FIELDS: ReadonlySet<string> = new Set([
  ...["pid", "wid", "addr", "user", "method", "uri", "status", "rsize", "micros"],
]);

/** The default line, as a format: what uWSGI's has, as far as it can be known. */
function defaultFormat({ micros, memory }: FormatSettings): string {
  const usage = memory
    ? "{address space usage: %(vsz) bytes/%(vszM)MB} {rss usage: %(rss) bytes/%(rssM)MB} "
    : "";
  const took = micros ? "%(micros) micros" : "%(msecs) msecs";
  return `${usage}[pid: %(pid)|worker: %(wid)] %(addr) (%(user)) [%(ctime)] %(method) %(uri) ` +
    `=> generated %(rsize) bytes in ${took} (status %(status))`;
}

/** A part of a format: a text that stays as it is, or a variable. */
type Part = { readonly text: string } | { readonly name: string };

/** Takes a format apart. A parenthesis that does not end stays as it is. */
function parseFormat(format: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: token, 1: name = "", index } of format.matchAll(/%\(([^()]*)\)/g)) {
    parts.push({ text: format.slice(end, index) }, { name: name.trim() });
    end = index + token.length;
  }
  parts.push({ text: format.slice(end) });
  return parts;
}

function placeIn(headers: string[], name: string): number {
  const known = headers.indexOf(name);
  return known < 0 ? headers.push(name) - 1 : known;
}

/** Makes a text of a request. */
type TextOf = (request: RequestRecord) => string;

/** What stands for a request at one place of a line. */
interface Place {
  readonly value: ValueOf;
  readonly text: (value: Value) => string;
}

/** Puts parts behind each other; those that are the same for all requests become one. */
function joined(parts: readonly (string | Place)[]): TextOf {
  const places: Place[] = [];
  let before = "";
  for (const part of parts) {
    if (typeof part === "string") {
      before += part;
    } else {
      places.push({ value: part.value, text: remembered(before, part.text) });
      before = "";
    }
  }
  return inTurn(places, before);
}

/** Most requests have much in common with the one before: method, status, second. */
function remembered(before: string, text: Place["text"]): Place["text"] {
  let last: Value | undefined;
  let made = "";
  return (value) => {
    if (value === last) return made;
    last = value;
    return made = before + text(value);
  };
}

const NOTHING: Place = { value: () => null, text: () => "" };

/**
 * Eight places in a row, and again. In a loop all of them would be called from one place of this program,
 * which V8 then cannot put into one piece of code: a line would take twice as long.
 */
function inTurn(places: readonly Place[], end: string): TextOf {
  const [a = NOTHING, b = NOTHING, c = NOTHING, d = NOTHING, ...others] = places;
  const [e = NOTHING, f = NOTHING, g = NOTHING, h = NOTHING, ...more] = others;
  const rest = more.length > 0 ? inTurn(more, end) : () => end;
  return (request) =>
    a.text(a.value(request)) + b.text(b.value(request)) +
    c.text(c.value(request)) + d.text(d.value(request)) +
    e.text(e.value(request)) + f.text(f.value(request)) +
    g.text(g.value(request)) + h.text(h.value(request)) +
    rest(request);
}

function asText({ value, foreign }: Variable): string | Place {
  const text = foreign ? foreignText : textOf;
  return typeof value === "function" ? { value, text } : text(value);
}

function foreignText(value: Value): string {
  return escapeText(textOf(value));
}

function textOf(value: Value): string {
  return value === null || value === "" ? "-" : String(value);
}

function asJson({ value, foreign }: Variable): string | Place {
  const text = foreign ? foreignJson : jsonOf;
  return typeof value === "function" ? { value, text } : text(value);
}

function jsonOf(value: Value): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}

function foreignJson(value: Value): string {
  return jsonOf(typeof value === "string" ? escapeText(value) : value);
}

/** A line as the master's log has them: `message` for people, `properties` for machines. */
function jsonLine(
  text: TextOf,
  fields: readonly (readonly [name: string, value: string | Place])[],
): TextOf {
  const properties = joined(
    fields.flatMap(([name, value]) => [`,"${escapeText(name)}":`, value]),
  );
  return (request) => {
    const time = new Date(request.startedAt).toISOString();
    return `{"@timestamp":"${time}","level":"INFO","message":"${escapeText(text(request))}",` +
      `"logger":"request","properties":{"event":"request"${properties(request)}}}`;
  };
}
