/**
 * Starts the real program for a test, reads its log as data, and makes sure that nothing is left of it
 * afterwards: no process, no Unix socket, no temporary directory.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path/posix";
import { environmentOf } from "./process_environment.ts";
import { MAIN } from "./program.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/", import.meta.url));
const MARK = "DUWSGI_TEST_RUN";

/** A master stops when its test ends before it, whatever has killed that (setpriv(1)); a daemon does not. */
const ENDS_WITH_TESTS = ["setpriv", "--pdeathsig", "TERM"];

/** One line of the master's JSON log. */
export interface LogEvent {
  /** What happened; empty for lines without a name. */
  readonly event: string;
  /** The sentence for people. */
  readonly message: string;
  /** Who says it: `duwsgi` is the master, `request` a worker of what it has answered. */
  readonly logger: string;
  /** The fields for machines. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What to start. */
export interface MasterOptions {
  /** Text of the INI, without `[uwsgi]` and log options; `%DIR%` is the test's own directory. */
  readonly ini: string;
  /** Files to write into the test's directory: name → text, a fixture, or a link and where it leads. */
  readonly files?: Readonly<
    Record<string, string | { readonly fixture: string } | { readonly link: string }>
  >;
  /** More arguments, behind the INI file. */
  readonly args?: readonly string[];
  /** Permission flags of the master itself. @default ["-A"] */
  readonly permissions?: readonly string[];
  /** A command that executes what follows it, such as `nice`. @default [] */
  readonly launcher?: readonly string[];
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text on standard input. @default none */
  readonly stdin?: string;
  /** Deno and main.ts where every user can read them, see `shared_program.ts`; others may then write. */
  readonly program?: { readonly deno: string; readonly main: string };
}

/** How long a test waits for something that should happen (30 s): only failures take that long. */
const PATIENCE_MS = 30_000;

/** A running master. Use it with `await using`. */
export class RunningMaster {
  /** The test's own directory. */
  readonly directory: string;
  /** Everything in the log so far. */
  readonly events: LogEvent[] = [];
  /** What others have printed, as the log has it. */
  readonly records: LogEvent[] = [];
  /** Lines on stderr that are not the master's log: what workers print. */
  readonly output: string[] = [];
  /** Lines on stdout. */
  readonly stdout: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #mark: string;
  readonly #waiting = new Set<() => void>();
  readonly #drained: Promise<unknown>;
  #status: Deno.CommandStatus | null = null;

  /** Starts the program; see {@linkcode startMaster} for the usual way in. */
  constructor(options: MasterOptions) {
    this.directory = Deno.makeTempDirSync({ prefix: "duwsgi-test-" });
    this.#mark = crypto.randomUUID();
    this.write(options.files ?? {});
    this.writeIni(options.ini);
    const ini = join(this.directory, "app.ini");
    const { deno = Deno.execPath(), main = MAIN } = options.program ?? {};
    if (options.program !== undefined) Deno.chmodSync(this.directory, 0o1777);
    const args = ["run", ...(options.permissions ?? ["-A"]), main, "--ini", ini];
    const launcher = [...ENDS_WITH_TESTS, ...(options.launcher ?? [])];
    const [program = "", ...rest] = [...launcher, deno, ...args, ...(options.args ?? [])];
    this.#child = new Deno.Command(program, {
      args: rest,
      cwd: this.directory,
      env: { ...options.env, [MARK]: this.#mark, TMPDIR: this.directory, NO_COLOR: "1" },
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (options.stdin !== undefined) void give(this.#child.stdin, options.stdin);
    const stderr = this.#read(this.#child.stderr, (line) => this.#line(line));
    const stdout = this.#read(this.#child.stdout, (line) => this.stdout.push(line));
    this.#drained = Promise.all([stderr, stdout]).then(() => {
      this.#finished = true;
      this.#wake();
    });
    void this.#child.status.then((status) => {
      this.#status = status;
      this.#wake();
    });
  }

  /** Process id of the master, or of its launcher if that one does not become the master. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Path of a file in the test's directory. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Text of a file in the test's directory; empty while it is not there. */
  read(name: string): string {
    try {
      return Deno.readTextFileSync(this.path(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /** Writes files into the test's directory. */
  write(files: NonNullable<MasterOptions["files"]>): void {
    for (const [name, content] of Object.entries(files)) {
      // A rename: whoever reads the file sees the old text or the new one, never half of it.
      Deno.mkdirSync(dirname(this.path(name)), { recursive: true });
      if (typeof content === "object" && "link" in content) {
        Deno.symlinkSync(content.link, this.path(`${name}.new`));
      } else {
        const text = typeof content === "string"
          ? content
          : Deno.readTextFileSync(join(FIXTURES, content.fixture));
        Deno.writeTextFileSync(this.path(`${name}.new`), text);
      }
      Deno.renameSync(this.path(`${name}.new`), this.path(name));
    }
  }

  /** Writes the INI anew; it is read at the next reload. */
  writeIni(text: string): void {
    const lines = text.replaceAll("%DIR%", this.directory);
    this.write({ "app.ini": `[uwsgi]\nlog-encoder = json\n${lines}\n` });
  }

  /** Sets the modification time of a file to now, and creates it if need be. */
  touch(name: string): void {
    Deno.openSync(this.path(name), { create: true, write: true }).close();
    const now = new Date();
    Deno.utimeSync(this.path(name), now, now);
  }

  /** Sends a signal to the master. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The first event that fits, from `from` on in {@linkcode events}; waits for it if need be. */
  async waitFor(
    event: string,
    fits: (fields: LogEvent["fields"]) => boolean = () => true,
    from = 0,
  ): Promise<LogEvent["fields"]> {
    const find = () =>
      this.events.slice(from).find((one) => one.event === event && fits(one.fields));
    await this.until(() => find() !== undefined, `event "${event}"`);
    return find()?.fields ?? {};
  }

  /**
   * Asks for a reload, and waits for its end.
   *
   * @param ask How. @default By touching the file `reload`
   */
  async reload(ask: () => void = () => this.touch("reload")): Promise<LogEvent["fields"]> {
    const from = this.events.length;
    ask();
    return await this.waitFor("reloadFinished", () => true, from);
  }

  /** How often something was logged so far. */
  count(event: string): number {
    return this.events.filter((one) => one.event === event).length;
  }

  /** Waits until a condition holds, whether the master that was started here lives or has ended. */
  async eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!await holds()) {
      if (performance.now() > deadline) this.#fail(`No ${what} within ${PATIENCE_MS / 1000} s`);
      await this.#nextNews(50);
    }
  }

  /** Waits until a condition holds; it is looked at whenever something is logged, and often. */
  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!await holds()) {
      if (performance.now() > deadline) this.#fail(`No ${what} within ${PATIENCE_MS / 1000} s`);
      if (this.#status !== null && this.#finished) {
        if (await holds()) return;
        this.#fail(`No ${what} before the master ended`);
      }
      await this.#nextNews(50);
    }
  }

  #finished = false;

  /** Waits for the end of the master and returns its exit code. */
  async exitCode(): Promise<number> {
    await this.until(() => this.#status !== null, "end of the master");
    await this.#drained;
    return this.#status?.code ?? -1;
  }

  /** Waits until every slot accepts, and returns the real addresses of the sockets. */
  async ready(): Promise<string[]> {
    const { sockets } = await this.waitFor("ready");
    return sockets as string[];
  }

  /** Stops the master in order and returns its exit code. */
  stop(): Promise<number> {
    if (this.#status === null) this.signal("SIGTERM");
    return this.exitCode();
  }

  /** Pids of all processes of this run that are alive, the master's included. */
  processes(): number[] {
    const pids: number[] = [];
    for (const { name } of Deno.readDirSync("/proc")) {
      if (/^\d+$/.test(name) && this.#isOurs(name)) pids.push(Number(name));
    }
    return pids;
  }

  #isOurs(pid: string): boolean {
    try {
      return environmentOf(pid).includes(`${MARK}=${this.#mark}`);
    } catch {
      return false;
    }
  }

  /** Pids of the workers that accept now, by slot. */
  acceptingPids(): Map<number, number> {
    const pids = new Map<number, number>();
    for (const { event, fields } of this.events) {
      const accepts = event === "accepting" || event === "reinstated";
      if (accepts) pids.set(Number(fields.worker), Number(fields.pid));
    }
    return pids;
  }

  #line(line: string): void {
    const event = parse(line);
    if (event === null) this.output.push(line);
    // Why a start fails is looked for where a terminal has it.
    else if (event.event === "startFailed") this.#failed(event);
    else if (event.logger === "duwsgi" || event.event === "request") this.events.push(event);
    // What others have printed is as they have printed it again.
    else this.#printed(event);
    this.#wake();
  }

  #failed(event: LogEvent): void {
    this.events.push(event);
    this.output.push(...event.message.split("\n").map((line) => `duwsgi: ${line}`));
  }

  #printed(record: LogEvent): void {
    const { message, fields } = record;
    this.records.push(record);
    const lines = fields.stream === "stdout" ? this.stdout : this.output;
    lines.push(...message.split("\n"));
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
    let rest = "";
    const text = stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>);
    for await (const chunk of text) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(take);
    }
    if (rest !== "") take(rest);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #nextNews(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  #fail(reason: string): never {
    const log = this.events.map(({ message }) => `  ${message}`);
    throw new Error([reason, ...log, ...this.output.map((line) => `  | ${line}`)].join("\n"));
  }

  /** Ends whatever still runs, and insists that an orderly end left nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#status !== null;
    if (!ended) this.signal("SIGTERM");
    try {
      await this.exitCode();
      await this.eventually(() => this.processes().length === 0, "end of all processes");
    } finally {
      for (const pid of this.processes()) Deno.kill(pid, "SIGKILL");
      await this.#drained;
    }
    const leftovers = [...Deno.readDirSync(this.directory)].map((entry) => entry.name)
      .filter((name) => name.startsWith("duwsgi-"));
    Deno.removeSync(this.directory, { recursive: true });
    assertEquals(leftovers, [], "the master left its own directory behind");
  }
}

async function give(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

function parse(line: string): LogEvent | null {
  if (!line.startsWith('{"@timestamp"')) return null;
  const { message, logger, properties } = JSON.parse(line) as {
    message: string;
    logger: string;
    properties: Record<string, unknown>;
  };
  return { event: String(properties.event ?? ""), message, logger, fields: properties };
}

/** Starts a master. */
export function startMaster(options: MasterOptions): RunningMaster {
  return new RunningMaster(options);
}

/** Starts a master and waits until all of its workers accept. */
export async function readyMaster(
  options: MasterOptions,
): Promise<{ readonly master: RunningMaster; readonly addresses: readonly string[] }> {
  const master = new RunningMaster(options);
  try {
    return { master, addresses: await master.ready() };
  } catch (error) {
    await master[Symbol.asyncDispose]();
    throw error;
  }
}
