/**
 * Where log lines go, as far as both sides have to agree on it.
 *
 * @module
 */

/**
 * Takes one entry of a log, without a newline at its end, and writes it before it returns. It never
 * throws and never waits for a target that is away: what cannot be written is dropped and counted.
 */
export type LineSink = (line: string) => void;

/** What one process writes its lines to. */
export interface LineSinks {
  /** The log of the instance: `uwsgi.log()`, `console`. */
  readonly log: LineSink;
  /** The request log. It is the log of the instance unless requests have targets of their own. */
  readonly request: LineSink;
  /** Several lines of the request log at once: one write, where the target allows it. */
  readonly requests: (lines: readonly string[]) => void;
}
