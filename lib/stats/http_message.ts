/**
 * The little of HTTP/1.1 (RFC 9112) that the master's own servers speak: GET and HEAD without a body,
 * one request per connection. Pure.
 *
 * @module
 */

/** A request that can be answered. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD";
  /** Without the query. */
  readonly path: string;
  /** Value of the header `Accept`; empty: there is none. */
  readonly accept: string;
}

/** What is answered. */
export interface HttpAnswer {
  readonly status: 200 | 400 | 404 | 405 | 431 | 500 | 503;
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
 */
export function parseHead(text: string): HttpRequest | HttpAnswer {
  const end = /\r?\n\r?\n/.exec(text)?.index ?? null;
  const [first = "", ...fields] = text.slice(0, end ?? text.length).split(/\r?\n/);
  const [, method = "", target = ""] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(first) ?? [];
  if (method === "") return lineAnswer(400, "This is no HTTP request");
  if (end === null) return lineAnswer(431, "The head of this request has no end, or is too long");
  if (method !== "GET" && method !== "HEAD") {
    return lineAnswer(405, `${method} is not possible here: use GET or HEAD`);
  }
  const headers = new Map<string, string>();
  for (const field of fields) {
    const [, name = "", value = ""] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
    if (name === "") return lineAnswer(400, "A line of the head is no header field");
    headers.set(name.toLowerCase(), value);
  }
  const hasBody = headers.has("transfer-encoding") ||
    !/^0*$/.test(headers.get("content-length") ?? "");
  if (hasBody) return lineAnswer(400, "A body is not possible here");
  // A proxy sends the whole URL.
  const path = target.replace(/^https?:\/\/[^/?]*/i, "").replace(/\?.*$/, "");
  return { method, path: path === "" ? "/" : path, accept: headers.get("accept") ?? "" };
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
