/**
 * A shell in a real terminal: script(1) makes the pseudo terminal, and xterm.js draws what is written to
 * it, so that a test sees what a person would see.
 *
 * @module
 */

import xterm from "@xterm/headless";

/** How long a test waits for something on the screen (30 s): only failures take that long. */
const PATIENCE_MS = 30_000;

/** A terminal with a shell in it. Use it with `await using`. */
export class TestTerminal implements AsyncDisposable {
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #drained: Promise<void>;

  /** Starts a shell with job control and the prompt `$ `, in this many columns and rows. */
  constructor(columns: number, rows: number, env: Readonly<Record<string, string>> = {}) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const shell = `stty cols ${columns} rows ${rows}; exec env PS1='$ ' bash --norc --noprofile -i`;
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", shell, "/dev/null"],
      env: { ...env, TERM: "xterm-256color", SHELL: "/bin/sh" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#drained = this.#draw(this.#child.stdout);
  }

  async #draw(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) {
      await new Promise<void>((resolve) => this.#screen.write(chunk, resolve));
    }
  }

  /** What is to be seen, line by line without the spaces at their ends. */
  get lines(): readonly string[] {
    const { active } = this.#screen.buffer;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? "",
    );
  }

  /** The same as one text. */
  get text(): string {
    return this.lines.join("\n").trimEnd();
  }

  /** True while a program has the screen for itself. */
  get taken(): boolean {
    return this.#screen.buffer.active.type === "alternate";
  }

  /** Types text, in which `\r` is the key Enter. */
  async type(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Waits for a text on the screen. */
  async see(expected: string | RegExp): Promise<void> {
    const fits = () =>
      typeof expected === "string" ? this.text.includes(expected) : expected.test(this.text);
    await this.until(fits, `"${expected}" on the screen`);
  }

  /** Waits until a condition holds. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > deadline) {
        throw new Error(`No ${what} within ${PATIENCE_MS / 1000} s:\n${this.text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Runs a command of the shell and returns the lines it prints. */
  async run(command: string): Promise<readonly string[]> {
    await this.type("clear\r");
    await this.until(() => this.text === "$", "prompt");
    await this.type(`${command}; echo done-$?\r`);
    await this.see(/^done-\d+$/m);
    const lines = this.lines.slice(1);
    return lines.slice(0, lines.findIndex((line) => line.startsWith("done-")));
  }

  /** Gives the terminal another size, as somebody who drags its corner. */
  async resize(device: string, columns: number, rows: number): Promise<void> {
    this.#screen.resize(columns, rows);
    const size = ["cols", String(columns), "rows", String(rows)];
    await new Deno.Command("stty", { args: ["-F", device, ...size] }).output();
  }

  /** Closes the terminal, as when its window is closed: what runs in it is told by SIGHUP only. */
  hangUp(): void {
    this.#closed = true;
    this.#child.kill("SIGKILL");
  }

  #closed = false;

  /** Ends the shell and what runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The end of the terminal is SIGHUP for everybody in it.
    if (!this.#closed) this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#drained;
    await this.#input.close().catch(() => {});
    this.#screen.dispose();
  }
}
