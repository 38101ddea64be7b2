/**
 * A real master with its workers, as a bench sees it: its log is events with times.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path/posix";
import { type InstanceEvent, parseEvent } from "./log_line.ts";
import { deno, Started } from "./servers.ts";

/** The program. */
export const MAIN = fromFileUrl(new URL("../main.ts", import.meta.url));

/** What to start. */
export interface InstanceOptions {
  /** The worker script: a file in `bench/apps`, or a path from the repository's root. */
  readonly script: URL;
  readonly processes: number;
  /** The program. @default main.ts */
  readonly main?: string;
  /** More options of the master. `%DIR%` is the instance's own directory. */
  readonly args?: readonly string[];
  /** Files to write into that directory: name and text. */
  readonly files?: Readonly<Record<string, string>>;
  /** The only processor for the master and its workers; null: all. */
  readonly cpu?: number | null;
  /** More environment of the master. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running instance with a TCP socket. Touching its file reloads its workers in a chain. */
export class Instance {
  /** Its own directory. */
  readonly directory: string;
  /** Its log so far. */
  readonly events: InstanceEvent[] = [];
  /** The process of the master. */
  readonly master: Started;
  readonly #touchFile: string;

  /** Starts it; {@linkcode ready} waits until it serves. */
  constructor(
    { script, processes, main = MAIN, args = [], files = {}, cpu = null, env = {} }:
      InstanceOptions,
  ) {
    this.directory = Deno.makeTempDirSync({ prefix: "duwsgi-bench-" });
    this.#touchFile = join(this.directory, "touch");
    this.touch();
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    const own = ["--http-socket", "127.0.0.1:0", "-p", String(processes)];
    const more = args.map((arg) => arg.replaceAll("%DIR%", this.directory));
    this.master = new Started({
      command: deno(
        ...["run", "-A", main, ...own, "--touch-chain-reload", this.#touchFile, ...more],
        ...["--deno-worker-override", fromFileUrl(script)],
      ),
      cpu,
      directory: this.directory,
      env: { TMPDIR: this.directory, ...env },
    });
    this.master.onLine((line) => {
      const event = parseEvent(line);
      if (event !== null) this.events.push(event);
      else console.error(`  | ${line}`);
    });
  }

  /** Waits until all workers accept; returns the addresses of the sockets, TCP first. */
  async ready(): Promise<readonly string[]> {
    await this.event("ready");
    return this.events.flatMap(({ fields: { address } }) => address ?? []);
  }

  /** Waits until something holds that its events decide. */
  async until(holds: () => boolean): Promise<void> {
    if (!holds()) await this.master.find("Awaited event", () => holds() || null);
  }

  /** The first event of this name, from `from` on in {@linkcode events}. */
  async event(name: string, from = 0): Promise<InstanceEvent> {
    const find = () => this.events.slice(from).find((one) => one.event === name) ?? null;
    return find() ?? await this.master.find(`Event "${name}"`, find);
  }

  /**
   * Asks for a reload, a chain reload unless told otherwise, and waits for its end.
   *
   * @throws {Error} If it ended in another way.
   */
  async reload(outcome = "done", ask: () => void = () => this.touch()): Promise<InstanceEvent> {
    const from = this.events.length;
    ask();
    const finished = await this.event("reloadFinished", from);
    const back = this.events.slice(from).some(({ event }) => event === "rollingBack");
    const ended = back ? "rolled-back" : finished.fields.outcome;
    if (ended !== outcome) throw new Error(finished.message);
    return finished;
  }

  /** How many events of this name there were. */
  count(name: string): number {
    return this.events.filter(({ event }) => event === name).length;
  }

  /** Writes a file into the instance's directory. */
  write(name: string, text: string): void {
    Deno.writeTextFileSync(join(this.directory, name), text);
  }

  /** Touches the file that asks for a chain reload. */
  touch(): void {
    Deno.openSync(this.#touchFile, { create: true, write: true }).close();
    const now = new Date();
    Deno.utimeSync(this.#touchFile, now, now);
  }

  /** Stops it in order. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.master.end();
  }
}
