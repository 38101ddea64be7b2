/**
 * What the request log knows of a request, and what servers tell it. Servers of every kind fill in the same.
 *
 * @module
 */

/** What is known when a request begins. Some servers would not tell it any more at the end. */
export interface RequestFacts {
  /** The method, for example `GET`. */
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly uri: string;
  /** The client's IP address; empty: it has none (Unix sockets). */
  readonly address: string;
  /** The client's port; 0: it has none. */
  readonly port: number;
  /** True if the client's URL begins with `https:`, by its connection or by what a proxy says. */
  readonly secure: boolean;
  /** For example `HTTP/1.1`; null: the server does not say. */
  readonly protocol: string | null;
  /** The headers that the log asks for, in its order; null: the client sent none of that name. */
  readonly headers: readonly (string | null)[];
}

/**
 * A request from its begin to its line in the log: one object, because making and forgetting several
 * would take longer than to count the request.
 */
export interface RequestRecord extends RequestFacts {
  /** The object that the script knows it by; null: it is over. */
  request: object | null;
  /** When it began by the clock of requests, in microseconds. */
  readonly since: number;
  /** The same in milliseconds since the epoch, when its line is made. */
  startedAt: number;
  /** Milliseconds from the begin to the end. */
  durationMs: number;
  /** The status of the response. */
  status: number;
  /** Bytes of the response's body; null: not known, because it was a stream. */
  bytes: number | null;
  /** True if the response ended too early, as far as the server says so. */
  failed: boolean;
  /** What the script has to say, see `uwsgi.set_logvar()`. */
  variables: ReadonlyMap<string, string> | undefined;
}

/** What the request log knows of the worker. */
export interface WorkerFacts {
  /** Process id. */
  readonly pid: number;
  /** Number of the slot. */
  readonly slot: number;
  /** Host name. */
  readonly hostname: string;
  /** Memory in bytes; null: not known. */
  readonly memory: () => { readonly rss: number; readonly as: number | null } | null;
  /** Value of a metric; null: there is none of that name. */
  readonly metric: (name: string) => number | null;
}

/** The request log, as servers see it that are not `Deno.serve`. */
export interface RequestLogger {
  /** The headers that {@linkcode RequestFacts} must have, in lower case. */
  readonly headers: readonly string[];
  /** A request has begun. The record that it returns belongs to {@linkcode end}. */
  begin(request: object, facts: RequestFacts): RequestRecord;
  /** A request is over; `bytes` is the size of its response, null if it is not known. */
  end(record: RequestRecord, status: number, bytes: number | null, failed: boolean): void;
}
