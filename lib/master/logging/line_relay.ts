/**
 * Runs in the master. Passes on what a child prints, in whole lines.
 *
 * @module
 */

/** A longer line is passed on in pieces: what a child prints must not fill the master's memory. */
const LONGEST_LINE = 65_536;

/** Reads a child's output on its own. */
export interface LineRelay {
  /** Resolves when everything was passed on: whoever could write has closed the pipe. */
  readonly done: Promise<void>;
  /** Stops reading. */
  cancel(): void;
}

/** Calls `take` for each line that arrives. Null: what the child prints goes elsewhere. */
export function relayLines(
  stream: ReadableStream<Uint8Array> | null,
  take: (line: string) => void,
): LineRelay {
  if (stream === null) return { done: Promise.resolve(), cancel: () => {} };
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const read = async () => {
    let rest = "";
    while (true) {
      const { value, done } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
      if (done) break;
      if (rest.length <= LONGEST_LINE) continue;
      take(rest);
      rest = "";
    }
    if (rest !== "") take(rest);
  };
  return { done: read(), cancel: () => void reader.cancel().catch(() => {}) };
}
