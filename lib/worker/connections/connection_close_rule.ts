/**
 * Runs in the worker. Which responses of a retiring worker say `Connection: close`.
 *
 * The first response on a connection never does: requests that a client pipelined behind it have
 * already arrived, and a closed connection would lose them (RFC 9112, 9.3.2 and 9.6). From the second
 * on, a response closes as soon as its request did not follow at the heels of the response before it.
 *
 * @module
 */

/** Requests that follow faster than this may have been pipelined. */
export const PIPELINE_GAP_MS = 5;

/** However fast they follow: this many responses are enough for one connection. */
export const PIPELINE_DEPTH = 8;

/**
 * Connections without a name (Unix sockets) share one record, so their first requests cannot be told:
 * they have this long to be over.
 */
export const NAMELESS_REST_MS = 250;

/**
 * True if only HTTP/2 has requests like this one: HTTP/1.1 demands `Host` (RFC 9112, 3.2), in whose place
 * HTTP/2 has `:authority`, and HTTP/2 forbids `Connection` (RFC 9113, 8.2.2). A client of HTTP/2 that
 * sends `Host` nevertheless is taken for one of HTTP/1.1, which loses nothing.
 */
export function speaksHttp2(headers: Headers): boolean {
  return !headers.has("host") && !headers.has("connection");
}

interface Seen {
  readonly firstAt: number;
  responses: number;
  lastAt: number;
  /** A response has closed the connection. */
  closed: boolean;
}

/** Remembers the connections of a retiring worker, by the address of their client. */
export class ClosingRule {
  readonly #seen = new Map<string, Seen>();

  /** True if the response to a request that came at `at` (monotonic ms) may close its connection. */
  mayClose(connection: string, at: number): boolean {
    const seen = this.#seen.get(connection);
    if (seen === undefined) return false;
    if (connection === "" && at - seen.firstAt < NAMELESS_REST_MS) return false;
    return seen.responses >= PIPELINE_DEPTH || at - seen.lastAt >= PIPELINE_GAP_MS;
  }

  /** Notes that a response was given at `at`; `closes`: it closes its connection. */
  responded(connection: string, at: number, closes = false): void {
    const { firstAt, responses, closed } = this.#seen.get(connection) ??
      { firstAt: at, responses: 0, closed: false };
    this.#seen.set(connection, {
      firstAt,
      responses: responses + 1,
      lastAt: at,
      closed: closed || closes,
    });
  }

  /** True if a response has closed this connection, which has a name of its own. */
  hasClosed(connection: string): boolean {
    return connection !== "" && this.#seen.get(connection)?.closed === true;
  }
}

/** How many want connections to be closed. */
let closings = 0;
let rule: ClosingRule | null = null;

/** Which responses close their connections; null: none of them has to. */
export function closingRule(): ClosingRule | null {
  return rule;
}

/** From now on, responses close their connections, until all who wanted that have called {@linkcode endClosing}. */
export function beginClosing(): void {
  closings += 1;
  rule ??= new ClosingRule();
}

/** As far as the caller is concerned, connections may stay. */
export function endClosing(): void {
  closings -= 1;
  if (closings === 0) rule = null;
}
