/**
 * The little of HTTP/1.1 (RFC 9112) that the master's own servers speak: GET and HEAD without a body,
 * one request per connection. Pure.
 *
 * @module
 */

import { isFieldValue, withoutBlanks } from "../foreign_text.ts";

/** A request that can be answered. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD";
  /** Without the query. */
  readonly path: string;
  /** Value of the header `Accept`; empty: there is none. */
  readonly accept: string;
  /** Whom the client means: the header `Host`, or the host of a whole URL; null: it does not say. */
  readonly host: string | null;
}

/** What is answered. */
export interface HttpAnswer {
  readonly status: 200 | 400 | 404 | 405 | 421 | 431 | 500 | 503;
  /** Media type of the body. */
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

const REASONS: Readonly<Record<HttpAnswer["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** An answer of one line. */
export function lineAnswer(status: HttpAnswer["status"], line: string): HttpAnswer {
  return { status, type: "text/plain; charset=utf-8", body: `${line}\n` };
}

/**
 * Reads the head of a request, as much as has come of it; an answer: it cannot be taken, and this says
 * why.
 *
 * Each character is looked at a fixed number of times, whatever the text is. A line ends with CR LF or
 * LF; any other control character but a tab in a value makes the head malformed (RFC 9112, 2.2).
 */
export function parseHead(text: string): HttpRequest | HttpAnswer {
  const { lines, ended } = headLines(text);
  const [first = "", ...fields] = lines;
  const line = requestLine(first);
  if (line === null) return lineAnswer(400, "This is no HTTP request");
  if (!ended) return lineAnswer(431, "The head of this request has no end, or is too long");
  const { method, target } = line;
  if (method !== "GET" && method !== "HEAD") {
    return lineAnswer(405, `${method} is not possible here: use GET or HEAD`);
  }
  const headers = new Map<string, string>();
  for (const field of fields) {
    const colon = field.indexOf(":");
    const [name, value] = [field.slice(0, colon), withoutBlanks(field.slice(colon + 1))];
    if (colon <= 0 || !isVisible(name) || !isFieldValue(value)) {
      return lineAnswer(400, "A line of the head is no header field");
    }
    const key = name.toLowerCase();
    // Two of them could mean one host to who asks and another one to who answers (RFC 9112, 3.2).
    if (key === "host" && headers.has(key)) return lineAnswer(400, "There are two hosts");
    headers.set(key, value);
  }
  const hasBody = headers.has("transfer-encoding") ||
    !isZero(headers.get("content-length") ?? "0");
  if (hasBody) return lineAnswer(400, "A body is not possible here");
  const { authority, path } = partsOf(target);
  return {
    method,
    path,
    accept: headers.get("accept") ?? "",
    host: authority ?? headers.get("host") ?? null,
  };
}

/** The lines of a head without their ends, and whether an empty one has ended it. */
function headLines(text: string): { readonly lines: readonly string[]; readonly ended: boolean } {
  const lines: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    if (end < 0) return { lines: [...lines, text.slice(at)], ended: false };
    const line = text.slice(at, text[end - 1] === "\r" && end > at ? end - 1 : end);
    if (line === "" && lines.length > 0) return { lines, ended: true };
    lines.push(line);
    at = end + 1;
  }
  return { lines, ended: false };
}

/** Null: it is none of HTTP/1. */
function requestLine(line: string): { readonly method: string; readonly target: string } | null {
  const [method = "", target = "", version, ...others] = line.split(" ", 4);
  const isOurs = isMethod(method) && target !== "" && isVisible(target) &&
    (version === "HTTP/1.1" || version === "HTTP/1.0") && others.length === 0;
  return isOurs ? { method, target } : null;
}

/** No method in use is longer (IANA, HTTP Method Registry). */
const LONGEST_METHOD = 20;

function isMethod(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x41 || code > 0x5a) return false;
  }
  return text !== "" && text.length <= LONGEST_METHOD;
}

/** True if there is nothing in it but visible characters of ASCII. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return true;
}

function isZero(digits: string): boolean {
  for (let i = 0; i < digits.length; i++) if (digits[i] !== "0") return false;
  return true;
}

/** A proxy sends the whole URL, whose host then counts (RFC 9112, 3.2.2). Null: it is only a path. */
function partsOf(target: string): { readonly authority: string | null; readonly path: string } {
  const scheme = ["http://", "https://"].find((one) =>
    target.slice(0, one.length).toLowerCase() === one
  );
  const from = scheme?.length ?? 0;
  const query = indexOr(target, "?", from);
  const slash = scheme === undefined ? 0 : Math.min(indexOr(target, "/", from), query);
  const path = target.slice(slash, query);
  return {
    authority: scheme === undefined ? null : target.slice(from, slash),
    path: path === "" ? "/" : path,
  };
}

/** Where a character is; the text's length: it is nowhere. */
function indexOr(text: string, character: string, from: number): number {
  const index = text.indexOf(character, from);
  return index < 0 ? text.length : index;
}

/** The bytes of an answer. */
export function encodeAnswer(
  { status, type, body, headers = {} }: HttpAnswer,
  withBody: boolean,
): Uint8Array {
  const encoder = new TextEncoder();
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const head = encoder.encode([
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `Content-Type: ${type}`,
    `Content-Length: ${bytes.length}`,
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(status === 405 ? ["Allow: GET, HEAD"] : []),
    "Connection: close",
    "\r\n",
  ].join("\r\n"));
  if (!withBody) return head;
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return whole;
}
