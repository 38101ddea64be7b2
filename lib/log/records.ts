/**
 * Puts printed lines together that belong to one record: a stack trace is one, not a line for each call.
 *
 * @module
 */

import { after, type Cancel } from "../system/timing.ts";

/** A longer record is cut into several: others decide what they print. */
const MOST_LINES = 500;
/** How long a line waits for what belongs to it (50 ms): a process writes its stack in one go. */
const PATIENCE_MS = 50;

// deno-lint would take the escape character for a mistake in a literal.
const COLOURS = new RegExp(String.fromCharCode(27) + "\\[[0-9;]*m", "g");

/**
 * True if a line goes on with a record: it is indented, or empty, or says what caused an error. Deno shows
 * the line of the script between an error and its stack, as it is written there.
 */
function continues(line: string, record: readonly string[]): boolean {
  const [first = ""] = record;
  if (first === "" || record.length >= MOST_LINES) return false;
  if (/^(\s|$|Caused by: )/.test(withoutColours(line))) return true;
  return withoutColours(first).startsWith("error: ") &&
    !record.some((one) => withoutColours(one).startsWith("    at "));
}

function withoutColours(line: string): string {
  return line.replaceAll(COLOURS, "");
}

/** The records of lines that are all there. */
export function recordsOf(lines: readonly string[]): string[] {
  const records: string[][] = [];
  for (const line of lines) {
    const last = records.at(-1);
    if (last !== undefined && continues(line, last)) last.push(line);
    else records.push([line]);
  }
  return records.map(textOf);
}

/** Without the empty lines at its end. */
function textOf(lines: readonly string[]): string {
  const end = lines.findLastIndex((line) => line !== "");
  return lines.slice(0, end + 1).join("\n");
}

/** The records of lines that come one after the other. */
export class Records {
  readonly #take: (record: string) => void;
  #lines: string[] = [];
  #cancel: Cancel | null = null;

  /** `take` gets each record, in order. */
  constructor(take: (record: string) => void) {
    this.#take = take;
  }

  /** The next line. */
  line(text: string): void {
    if (!continues(text, this.#lines)) this.end();
    this.#lines.push(text);
    this.#cancel ??= after(PATIENCE_MS, () => this.end());
  }

  /** No more lines come: what is there is a record. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#take(textOf(lines));
  }
}
