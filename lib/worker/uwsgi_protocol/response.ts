/**
 * Runs in the worker. The head of a response as a proxy expects it in the uwsgi protocol: that of
 * HTTP/1.1. The end of the connection is the end of the response. Pure.
 *
 * @module
 */

/** The words of RFC 9110, 15, which some clients show; for others there are none. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** They are about a connection that is the proxy's business. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding"]);

/**
 * Writes the head.
 *
 * @param length Bytes of the body, which replace what the headers say; null: not known.
 */
export function responseHead(
  { status, statusText, headers }: Pick<Response, "status" | "statusText" | "headers">,
  length: number | null,
): Uint8Array<ArrayBuffer> {
  const reason = statusText === "" ? REASONS[status] ?? "" : statusText;
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (const [name, value] of headers) {
    if (HOP_BY_HOP.has(name) || (length !== null && name === "content-length")) continue;
    lines.push(`${name}: ${value}`);
  }
  if (length !== null) lines.push(`content-length: ${length}`);
  // Headers are bytes, one for each character.
  return Uint8Array.from(`${lines.join("\r\n")}\r\n\r\n`, (one) => one.charCodeAt(0));
}

/** True if a response with this status has no body (RFC 9110, 15.3.5 and 15.4.5). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
