/**
 * The ways in which a request can be lost, and how an exception of the network is told apart.
 *
 * @module
 */

/** One way in which a request was not answered as it must be. */
export type FailureKind =
  /** Nobody listens: the connection was refused, or the Unix socket's path is gone. */
  | "refused"
  /** connect(2) on a Unix socket found its queue full (EAGAIN). */
  | "queue-full"
  /** The connection was reset. */
  | "reset"
  /** The connection ended in order, without a byte of the answer. */
  | "eof-before-response"
  /** The connection ended in order, in the middle of the answer. */
  | "eof-mid-response"
  /** The answer has another status than 200. */
  | "bad-status"
  /** The answer is well-formed and says something else than it must. */
  | "wrong-body"
  /** What came is no HTTP/1.1 answer, event stream or WebSocket frame. */
  | "malformed"
  /** No answer in time. */
  | "timeout"
  /** The client's own fault or limit: no local port, too many descriptors. */
  | "client";

/** A request was lost. */
export class LoadFailure extends Error {
  override readonly name = "LoadFailure";
  /** How it was lost. */
  readonly kind: FailureKind;

  constructor(kind: FailureKind, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** What Deno throws for each end of a connection or of an attempt to make one. */
const KINDS: readonly (readonly [error: new () => Error, kind: FailureKind])[] = [
  [Deno.errors.ConnectionRefused, "refused"],
  [Deno.errors.NotFound, "refused"],
  [Deno.errors.WouldBlock, "queue-full"],
  [Deno.errors.ConnectionReset, "reset"],
  [Deno.errors.ConnectionAborted, "reset"],
  [Deno.errors.BrokenPipe, "reset"],
  [Deno.errors.NotConnected, "reset"],
  [Deno.errors.TimedOut, "timeout"],
];

/** Names the failure behind an exception of connecting, reading or writing. */
export function asLoadFailure(error: unknown): LoadFailure {
  if (error instanceof LoadFailure) return error;
  const kind = KINDS.find(([constructor]) => error instanceof constructor)?.[1] ?? "client";
  return new LoadFailure(kind, error instanceof Error ? error.message : String(error));
}
