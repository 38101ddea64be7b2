/**
 * Starts what is measured, reads what it prints, and ends it again by the pid that was started: also
 * when a bench fails or is interrupted.
 *
 * @module
 */

import { type Answer, askAddress } from "./ask.ts";

/** What to start. */
export interface Program {
  /** The command and its arguments. */
  readonly command: readonly string[];
  /** The only processor it may run on (taskset(1), children inherit that); null: all of them. */
  readonly cpu?: number | null;
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its own directory, where it runs, and which is removed after its end. @default None */
  readonly directory?: string;
}

/** This version of Deno with these arguments. */
export function deno(...args: readonly string[]): readonly string[] {
  return [Deno.execPath(), ...args];
}

/** How long a program may take to say what is awaited (30 s): only failures take that long. */
const PATIENCE_MS = 30_000;
/** How long a program may take to leave in order before it is killed (20 s). */
const LEAVE_MS = 20_000;

const running = new Set<Started>();

/** A process that was started. Use it with `await using`. */
export class Started {
  /** When it was started, in milliseconds since the epoch; the fraction is real. */
  readonly startedAt: number;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #watching = new Set<(line: string) => void>();
  readonly #output: Promise<unknown>;
  readonly #directory: string | undefined;
  #ended: Promise<void> | null = null;
  #status: Deno.CommandStatus | null = null;

  /** Starts it. */
  constructor({ command, cpu = null, env = {}, directory }: Program) {
    const pinned = cpu === null ? [] : ["taskset", "-c", String(cpu)];
    const [program = "", ...args] = [...pinned, ...command];
    this.startedAt = now();
    this.#child = new Deno.Command(program, {
      args,
      ...(directory !== undefined && { cwd: directory }),
      // Deno looks for a new version once a day: not while it is measured.
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#directory = directory;
    running.add(this);
    this.#output = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
    void this.#child.status.then((status) => {
      this.#status = status;
    });
  }

  /** Its process id. A command that is pinned to a processor has it too: taskset(1) only goes before. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Calls `take` with every line it has printed and prints from now on, until `take` is done. */
  async find<T>(what: string, take: (line: string) => T | null): Promise<T> {
    for (const line of this.#lines) {
      const found = take(line);
      if (found !== null) return found;
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const watch = (line: string) => {
      const found = take(line);
      if (found !== null) resolve(found);
    };
    const fail = (why: string) =>
      reject(new Error([`${what}: ${why}`, ...this.#lines.slice(-20)].join("\n  ")));
    const timer = setTimeout(() => fail(`nothing within ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
    void this.#output.then(() => fail("the process ended"));
    this.#watching.add(watch);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watching.delete(watch);
    }
  }

  /** Calls `take` with each line from now on, for as long as the process prints any. */
  onLine(take: (line: string) => void): void {
    this.#watching.add(take);
  }

  /**
   * Waits until it ends by itself; returns all that it has printed.
   *
   * @throws {Error} If it failed.
   */
  async output(): Promise<string> {
    const { success } = await this.#child.status;
    await this.#output;
    running.delete(this);
    const text = this.#lines.join("\n");
    if (!success) throw new Error(`A program failed:\n${text}`);
    return text;
  }

  /** Asks it to leave, and kills it if it does not. */
  end(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), LEAVE_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#output;
    if (this.#directory !== undefined) Deno.removeSync(this.#directory, { recursive: true });
    running.delete(this);
  }

  /** Sends it a signal; nothing happens when it has ended. */
  signal(signal: Deno.Signal): void {
    if (this.#status === null) this.#child.kill(signal);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const text = stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>);
    for await (const chunk of text) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
    }
    if (rest !== "") this.#line(rest);
  }

  #line(line: string): void {
    this.#lines.push(line);
    for (const watch of this.#watching) watch(line);
  }

  /** See {@linkcode end}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** The time of day in milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Ends everything that still runs. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((one) => one.end()));
}

/** Where a server of Deno says that it listens. */
export function listeningAddress(line: string): string | null {
  return /Listening on http:\/\/([^/\s]+)/.exec(line)?.[1]?.replace("0.0.0.0", "127.0.0.1") ?? null;
}

/** Waits until a server that prints its address has answered a request; returns the address. */
export async function untilAnswers(server: Started): Promise<string> {
  const address = await server.find("Address of a server", listeningAddress);
  const answer: Answer = await askAddress(address);
  if (answer.status !== 200) throw new Error(`${address} answers with status ${answer.status}`);
  return address;
}
