/**
 * Finds the first line of an error in what Deno prints when a script cannot start, and where it is.
 *
 * @module
 */

// deno-lint would take the escape character for a mistake in a literal.
const COLOURS = new RegExp(String.fromCharCode(27) + "\\[[0-9;]*m", "g");

/** What Deno says of what it may not download, in the first line of an error or behind it. */
const NOT_CACHED = /not found in cache: "([^"]+)", --cached-only is specified/;
/** More of an error or a place is left out: it is kept, logged, and shown in the stats. */
const LONGEST = 1_000;

/** Reads a worker's start-up output line by line and keeps the first error. */
export class StartErrorFinder {
  #error: string | null = null;
  #place: string | null = null;
  #notCached: string | null = null;

  /** Takes the next line. */
  line(text: string): void {
    const plain = text.slice(0, LONGEST).replaceAll(COLOURS, "");
    this.#notCached ??= NOT_CACHED.exec(plain)?.[1] ?? null;
    if (this.#error === null) {
      const match = /^error: (?:Uncaught (?:\(in [\w ]+\) )?)?(.+)$/.exec(plain);
      if (match !== null) this.#error = match[1] ?? null;
    } else if (this.#place === null) {
      const match = /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^()]+:\d+:\d+)\)?$/.exec(plain);
      if (match !== null) this.#place = match[1] ?? null;
    }
  }

  /** `SyntaxError: … (/srv/app/app.ts:3:7)`, or null when there was no error. */
  get error(): string | null {
    if (this.#error === null) return null;
    const error = this.#notCached === null ? this.#error : adviceFor(this.#notCached);
    return this.#place === null ? error : `${error} (${this.#place})`;
  }
}

function adviceFor(missing: string): string {
  return `"${missing}" is not in Deno's cache, and --cached-only forbids to download it (sandboxed workers ` +
    "have that flag unless allow-import is given): run deno cache SCRIPT, or deno install, as the user " +
    "of the workers";
}
