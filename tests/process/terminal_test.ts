/** An instance in the foreground of a terminal: what closing it does, and Ctrl-Z. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAIN } from "../helpers/program.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";
import { TestTerminal } from "../helpers/terminal.ts";

const PATIENCE_MS = 30_000;

/** An instance that the shell of a terminal has started, with its log in a file. */
class Foreground implements Disposable {
  readonly directory = new TempDirectory();

  constructor() {
    this.directory.write("app.ts", `Deno.serve(() => new Response("here"));`);
    this.directory.write(
      "app.ini",
      `[uwsgi]
chdir = %d
http-socket = 127.0.0.1:0
pidfile = app.pid
vacuum = true
log-encoder = json
deno-worker-override = app.ts
`,
    );
  }

  /** The command that starts it; `prefix` executes it. */
  command(prefix = ""): string {
    const [log, ini] = [this.directory.at("log"), this.directory.at("app.ini")];
    return `${prefix} ${Deno.execPath()} run -A ${MAIN} ${ini} >/dev/null 2>${log}`;
  }

  get log(): string {
    try {
      return Deno.readTextFileSync(this.directory.at("log"));
    } catch {
      return "";
    }
  }

  /** Its process; 0: it has none, or not yet. */
  get pid(): number {
    const [, pid = "0"] = /Master has pid (\d+)/.exec(this.log) ?? [];
    return Number(pid);
  }

  get lives(): boolean {
    try {
      return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${this.pid}/status`));
    } catch {
      return false;
    }
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`No ${what}:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How often something was logged. */
  count(event: string): number {
    return this.log.split(`"event":"${event}"`).length - 1;
  }

  [Symbol.dispose](): void {
    if (this.pid !== 0 && this.lives) Deno.kill(this.pid, "SIGKILL");
    this.directory[Symbol.dispose]();
  }
}

Deno.test("closing its terminal stops an instance in order, and SIGHUP reloads it while there is one", async () => {
  using instance = new Foreground();
  {
    await using terminal = new TestTerminal(80, 24);
    await terminal.type(`${instance.command()}\r`);
    await instance.until(() => instance.count("ready") === 1, "readiness");
    Deno.kill(instance.pid, "SIGHUP");
    await instance.until(() => instance.count("reloadFinished") === 1, "reload");
    terminal.hangUp();
  }
  await instance.until(() => !instance.lives, "end of the instance");
  assertStringIncludes(instance.log, "Stopping: SIGHUP, its terminal was closed");
  assertEquals(instance.count("stopping"), 1);
  assert(!instance.directory.names.includes("app.pid"), "it has not ended in order");
});

Deno.test("a job in the background ends with its terminal as well", async () => {
  using instance = new Foreground();
  {
    await using terminal = new TestTerminal(80, 24);
    await terminal.type(`${instance.command()} &\r`);
    await instance.until(() => instance.count("ready") === 1, "readiness");
    terminal.hangUp();
  }
  await instance.until(() => !instance.lives, "end of the instance");
  assertStringIncludes(instance.log, "its terminal was closed");
});

const O_NONBLOCK = 0o4000;

/** Which open files somebody has who must wait for none of them (proc(5), fdinfo). */
function nonblocking(pid: number, fds: readonly number[]): readonly number[] {
  return fds.filter((fd) => {
    const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${fd}`);
    const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
    return (parseInt(flags, 8) & O_NONBLOCK) !== 0;
  });
}

Deno.test("its terminal and pipes that it inherits block as before, while it runs and afterwards", async () => {
  using instance = new Foreground();
  const [log, ini] = [instance.directory.at("log"), instance.directory.at("app.ini")];
  await using terminal = new TestTerminal(80, 24);
  // The shell holds the same open files: standard error is a pipe, and so is a number that means nothing.
  await terminal.type(`exec 8> >(cat >${log}) 9> >(cat >/dev/null)\r`);
  const [shell = ""] = await terminal.run("echo $$");
  const held = () => nonblocking(Number(shell), [0, 1, 2, 8, 9]);
  await terminal.type(`${Deno.execPath()} run -A ${MAIN} ${ini} 2>&8\r`);
  await instance.until(() => instance.count("ready") === 1, "readiness");
  assertEquals(held(), []);
  await terminal.type("\x03");
  await instance.until(() => !instance.lives, "end of the instance");
  assertEquals(held(), []);
});

Deno.test("with nohup it goes on without its terminal, also after its program was replaced, and reloads", async () => {
  using instance = new Foreground();
  let replaced = 0;
  {
    await using terminal = new TestTerminal(80, 24);
    await terminal.type(`${instance.command("nohup")} &\r`);
    await instance.until(() => instance.count("ready") === 1, "readiness");
    const ctl = `${Deno.execPath()} run -A ${MAIN} ctl exec --pid ${instance.pid} --wait`;
    await terminal.type(`clear; ${ctl} >/dev/null; echo code-$?\r`);
    await terminal.see("code-0");
    replaced = instance.count("reloadFinished");
    terminal.hangUp();
  }
  Deno.kill(instance.pid, "SIGHUP");
  await instance.until(() => instance.count("reloadFinished") > replaced, "reload");
  assertEquals(instance.count("stopping"), 0);
  Deno.kill(instance.pid, "SIGTERM");
  await instance.until(() => !instance.lives, "end of the instance");
});

Deno.test("Ctrl-Z says what it does and how to go on", async () => {
  using instance = new Foreground();
  await using terminal = new TestTerminal(80, 24);
  await terminal.type(`${instance.command()}\r`);
  await instance.until(() => instance.count("ready") === 1, "readiness");
  await terminal.type("\x1a");
  await instance.until(() => instance.count("paused") === 1, "pause");
  assertStringIncludes(
    instance.log,
    "until it is resumed: by SIGTSTP again (Ctrl-Z) or ctl resume",
  );
  await terminal.type("\x1a");
  await instance.until(() => instance.count("resumed") === 1, "end of the pause");
  await terminal.type("\x03");
  await instance.until(() => !instance.lives, "end of the instance");
});
