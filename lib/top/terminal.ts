/**
 * The terminal: taken over at the beginning, and given back as it was on every way out.
 *
 * @module
 */

import { type Key, KeyReader } from "./keys.ts";

/** What may happen at a terminal. */
export interface TerminalEvents {
  readonly onKey: (key: Key) => void;
  /** Nothing of what was drawn is there any more, or its size is another. */
  readonly onRedraw: () => void;
  /** The terminal is gone, or a signal came. */
  readonly onEnd: (signal: Deno.Signal | null) => void;
}

/** Signals that end the program; the last one is what a terminal that is closed sends. */
const ENDS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"];

/** The other screen (xterm), no cursor, and lines that end at the edge. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/** True if keys can be read and a screen can be drawn. */
export function isTerminal(): boolean {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal() && Deno.env.get("TERM") !== "dumb";
}

/** The terminal of this process. Use it with `using`. */
export class Terminal implements Disposable {
  readonly #events: TerminalEvents;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  readonly #crash = () => this.#leave();
  #drawn: readonly string[] = [];
  #entered = false;

  /** Takes it over. */
  constructor(events: TerminalEvents) {
    this.#events = events;
    for (const signal of ENDS) this.#listen(signal, () => events.onEnd(signal));
    this.#listen("SIGWINCH", () => this.#redraw());
    this.#listen("SIGTSTP", () => this.#stop(Deno.pid));
    this.#listen("SIGCONT", () => this.#resume());
    // The message of an error that nobody expected is to be read afterwards.
    addEventListener("error", this.#crash);
    addEventListener("unhandledrejection", this.#crash);
    this.#enter();
    void this.#readKeys();
  }

  /** How many columns and rows it has. */
  get size(): { readonly columns: number; readonly rows: number } {
    try {
      const { columns, rows } = Deno.consoleSize();
      // A terminal that does not know says 0.
      return { columns: columns || 80, rows: rows || 24 };
    } catch {
      return { columns: 80, rows: 24 };
    }
  }

  /** Shows these lines, one per row; only those that have changed are sent. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    const changes = lines.map((line, row) =>
      line === this.#drawn[row] ? "" : `\x1b[${row + 1};1H\x1b[K${line}`
    ).join("");
    const below = lines.length < this.#drawn.length ? `\x1b[${lines.length + 1};1H\x1b[J` : "";
    this.#drawn = lines;
    if (changes + below !== "") this.#write(changes + below);
  }

  /** Forgets what was drawn, so that everything is sent again. */
  clear(): void {
    this.#drawn = [];
    this.#write("\x1b[2J");
  }

  /** Stops the program as Ctrl-Z does, with all of its job, until it is continued. */
  suspend(): void {
    this.#stop(0);
  }

  [Symbol.dispose](): void {
    this.#leave();
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    removeEventListener("error", this.#crash);
    removeEventListener("unhandledrejection", this.#crash);
  }

  #listen(signal: Deno.Signal, listener: () => void): void {
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  #enter(): void {
    this.#entered = true;
    this.#drawn = [];
    Deno.stdin.setRaw(true);
    this.#write(ENTER);
  }

  #leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#write(LEAVE);
    try {
      Deno.stdin.setRaw(false);
    } catch {
      // A terminal that is gone has no mode.
    }
  }

  #stop(pid: number): void {
    this.#leave();
    Deno.kill(pid, "SIGSTOP");
  }

  /** Also after a SIGSTOP, of which the program has known nothing: the shell has used the terminal. */
  #resume(): void {
    this.#leave();
    this.#enter();
    this.#events.onRedraw();
  }

  #redraw(): void {
    this.clear();
    this.#events.onRedraw();
  }

  async #readKeys(): Promise<void> {
    const reader = new KeyReader();
    const bytes = new Uint8Array(256);
    try {
      for (let n = await Deno.stdin.read(bytes); n !== null; n = await Deno.stdin.read(bytes)) {
        for (const key of reader.take(bytes.subarray(0, n))) this.#events.onKey(key);
      }
    } catch {
      // The terminal is gone.
    }
    this.#events.onEnd(null);
  }

  #write(text: string): void {
    let rest: Uint8Array = new TextEncoder().encode(text);
    try {
      while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
    } catch {
      this.#events.onEnd(null);
    }
  }
}
