/**
 * The variables of `log-format`, by their uWSGI names. Each is compiled once into a function of the
 * request.
 *
 * @module
 */

import { commonLogText, ctimeText, perSecond } from "./clock_text.ts";
import type { RequestRecord, WorkerFacts } from "../request_record.ts";

/** The value of a variable; null: there is none. */
export type Value = string | number | null;

/** Finds the value for a request. */
export type ValueOf = (request: RequestRecord) => Value;

/** A compiled variable. */
export interface Variable {
  /** What it is for a request; a value, if it is the same for all. */
  readonly value: ValueOf | Value;
  /** True if the text can hold anything, because somebody else has written it. */
  readonly foreign: boolean;
}

/** What variables are compiled with. */
export interface VariableScope {
  readonly worker: WorkerFacts;
  /** The place of a header among the headers of a record, from now on. */
  readonly header: (name: string) => number;
}

const MEGABYTE = 1 << 20;

/** The variable of this name. Names that stand for nothing else are the script's own. */
export function compileVariable(name: string, scope: VariableScope): Variable {
  if (name.startsWith("var.")) return requestVariable(name.slice("var.".length), scope);
  if (name.startsWith("metric.")) {
    const metric = name.slice("metric.".length);
    return own(() => scope.worker.metric(metric));
  }
  const header = OF_HEADERS.get(name);
  if (header !== undefined) return foreign(headerValue(header, scope));
  return OF_REQUEST.get(name) ?? ofWorker(name, scope) ?? ofTime(name) ?? logVariable(name);
}

function own(value: Variable["value"]): Variable {
  return { value, foreign: false };
}

function foreign(value: ValueOf): Variable {
  return { value, foreign: true };
}

/** What uWSGI has and what cannot be known of a request to Deno. */
const UNKNOWN = own(null);

const METHOD = foreign(({ method }) => method);
const URI = foreign(({ uri }) => uri);
const ADDRESS = foreign(({ address }) => address || null);
const PROTOCOL = foreign(({ protocol }) => protocol);
const BYTES = own(({ bytes }) => bytes);
const FAILED = own(({ failed }) => failed ? 1 : 0);

const OF_REQUEST: ReadonlyMap<string, Variable> = new Map([
  ["uri", URI],
  ["method", METHOD],
  ["addr", ADDRESS],
  ["proto", PROTOCOL],
  ["status", own(({ status }) => status)],
  ["rsize", BYTES],
  ["size", BYTES],
  ["micros", own(({ durationMs }) => Math.round(durationMs * 1000))],
  ["msecs", own(({ durationMs }) => Math.trunc(durationMs))],
  ["secs", own(({ durationMs }) => Math.round(durationMs * 1000) / 1e6)],
  ["werr", FAILED],
  ["ioerr", FAILED],
  ["core", own(0)],
  ...["hsize", "headers", "vars", "switches", "rerr", "pktsize", "modifier1", "modifier2"].map(
    (name): [string, Variable] => [name, UNKNOWN],
  ),
]);

const OF_HEADERS: ReadonlyMap<string, string> = new Map([
  ["host", "host"],
  ["uagent", "user-agent"],
  ["referer", "referer"],
]);

function headerValue(name: string, scope: VariableScope): ValueOf {
  const place = scope.header(name);
  return ({ headers }) => headers[place] ?? null;
}

function ofWorker(name: string, scope: VariableScope): Variable | undefined {
  const { pid, slot, memory } = scope.worker;
  switch (name) {
    case "pid":
      return own(pid);
    case "wid":
      return own(slot);
    case "rss":
      return own(() => memory()?.rss ?? null);
    case "vsz":
      return own(() => memory()?.as ?? null);
    case "rssM":
      return own(() => megabytes(memory()?.rss));
    case "vszM":
      return own(() => megabytes(memory()?.as));
    case "cl": {
      const value = headerValue("content-length", scope);
      return own((request) => wholeNumber(value(request)));
    }
    default:
      return undefined;
  }
}

function megabytes(bytes: number | null | undefined): number | null {
  return bytes === null || bytes === undefined ? null : Math.trunc(bytes / MEGABYTE);
}

function wholeNumber(value: Value): number | null {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

function ofTime(name: string): Variable | undefined {
  switch (name) {
    case "time":
      return own(({ startedAt }) => Math.trunc(startedAt / 1000));
    case "tmsecs":
      return own(({ startedAt }) => Math.trunc(startedAt));
    case "tmicros":
      return own(({ startedAt }) => Math.trunc(startedAt * 1000));
    case "epoch":
      return own(({ startedAt, durationMs }) => Math.trunc((startedAt + durationMs) / 1000));
    case "ctime":
      return startedText(ctimeText);
    case "ltime":
    case "ftime":
      return startedText(commonLogText);
    default:
      return undefined;
  }
}

function startedText(format: (date: Date) => string): Variable {
  const text = perSecond(format);
  return own(({ startedAt }) => text(startedAt));
}

function logVariable(name: string): Variable {
  return foreign(({ variables }) => variables?.get(name) ?? null);
}

/** What CGI (RFC 3875) and uWSGI call the parts of a request. */
function requestVariable(name: string, scope: VariableScope): Variable {
  const ofHeader = /^(?:HTTP_(.+)|(CONTENT_TYPE|CONTENT_LENGTH))$/.exec(name);
  if (ofHeader !== null) {
    const header = ofHeader[1] ?? ofHeader[2] ?? "";
    return foreign(headerValue(header.toLowerCase().replaceAll("_", "-"), scope));
  }
  switch (name) {
    case "REQUEST_METHOD":
      return METHOD;
    case "REQUEST_URI":
      return URI;
    case "PATH_INFO":
      return foreign(({ uri }) => uri.split("?", 1)[0] ?? null);
    case "QUERY_STRING":
      return foreign(({ uri }) => uri.includes("?") ? afterMark(uri) : null);
    case "REMOTE_ADDR":
      return ADDRESS;
    case "REMOTE_PORT":
      return own(({ port }) => port || null);
    case "REQUEST_SCHEME":
      return own(({ secure }) => secure ? "https" : "http");
    case "SERVER_PROTOCOL":
      return PROTOCOL;
    case "SERVER_NAME":
      return own(scope.worker.hostname);
    default:
      return UNKNOWN;
  }
}

function afterMark(uri: string): string {
  return uri.slice(uri.indexOf("?") + 1);
}
