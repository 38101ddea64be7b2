/** `mod.ts` as a library: the master runs in this very process. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type LogLine, parseConfig, startMaster, UserError } from "../../mod.ts";
import { libc } from "../../lib/system/libc.ts";
import { getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

// It stays open for the life of the process.
libc();

const ignore = () => {};
const HELLO = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("Hello from worker " + uwsgi.worker_id()));`;

function iniFor(script: string, more = ""): string {
  return `[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\nchain-reload-verify = 0.1
deno-worker-override = ${script}\n${more}`;
}

Deno.test("a master is started, asked, reloaded and stopped, again and again", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(directory.write("app.ts", HELLO));
  for (let round = 0; round < 2; round++) {
    const lines: LogLine[] = [];
    const master = await startMaster({ ini }, { log: (line) => lines.push(line) });
    const events = Array.fromAsync(master.events());
    const [address] = await master.ready;
    assertMatch(await getText(`http://${address}/`), /^Hello from worker [12]$/);
    const before = (await master.stats()).workers.map(({ pid }) => pid);
    const verdict = await master.reload();
    assertEquals([verdict.outcome, verdict.generation], ["done", 2]);
    const after = (await master.stats()).workers.map(({ pid }) => pid);
    assert(after.every((pid) => !before.includes(pid)), `${before} and ${after}`);
    assertMatch(await getText(`http://${address}/`), /^Hello from worker [12]$/);
    await master.stop();
    await master.stop();
    assertEquals(await master.ended, "stopped");
    const names = (await events).map(({ event }) => event);
    for (const name of ["accepting", "ready", "reloadFinished"]) {
      assert(names.includes(name), `${name} is not among ${names}`);
    }
    assert(lines.some(({ event, message }) => event === "banner" && /^Socket /.test(message)));
    assert(lines.every(({ message }) => !message.includes("kill -HUP")));
    await assertRejects(() => master.reload(), Error, "The master has ended");
    await assertRejects(() => master.stats(), Error, "The master has ended");
  }
});

Deno.test("a stop does not wait for the connections that fetch() keeps", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(directory.write("app.ts", HELLO), "worker-reload-mercy = 600");
  const lines: LogLine[] = [];
  const master = await startMaster({ ini }, { log: (line) => lines.push(line) });
  const [address] = await master.ready;
  for (let i = 0; i < 4; i++) {
    const response = await fetch(`http://${address}/`);
    assertMatch(await response.text(), /^Hello/);
  }
  await master.stop();
  assertEquals(await master.ended, "stopped");
  assertEquals(lines.filter(({ event }) => event === "killing"), []);
});

Deno.test("a second master in the same process is refused, and the first one goes on", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(directory.write("app.ts", HELLO));
  await using master = await startMaster({ ini }, { log: ignore });
  await assertRejects(() => startMaster({ ini }), TypeError, "A master runs in this process");
  const [address] = await master.ready;
  assertMatch(await getText(`http://${address}/`), /^Hello/);
});

Deno.test("what would change the process is refused, each option with its place", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(
    directory.write("app.ts", HELLO),
    `chdir = ${directory.path}\numask = 027\ndaemonize = x.log\nuid = nobody\nhook-asap = cd:/tmp`,
  );
  const [cwd, umask] = [Deno.cwd(), Deno.umask()];
  const error = await assertRejects(() => startMaster({ ini }), UserError);
  const options = ["chdir", "umask", "uid", "daemonize", "hook-asap"];
  for (const option of options) {
    assertMatch(error.message, new RegExp(`^Cannot do what ${option} \\(<ini>:\\d+\\)`, "m"));
  }
  assertEquals(error.message.split("\n").length, options.length);
  assertEquals([Deno.cwd(), Deno.umask()], [cwd, umask]);
});

Deno.test("nobody replaces the program of the process, and what would need it is told", async () => {
  using directory = new TempDirectory();
  const file = directory.write("app.ini", iniFor(directory.write("app.ts", HELLO)));
  const lines: LogLine[] = [];
  const control = directory.at("control.sock");
  const args = ["--control-socket", control];
  await using master = await startMaster({ file, args }, { log: (line) => lines.push(line) });
  const [address] = await master.ready;
  directory.write("app.ini", iniFor(directory.at("app.ts"), "listen = 7\nmax-fd = 100"));
  const refused = await master.reload("all");
  assertEquals(refused.outcome, "failed");
  assertStringIncludes(lines.map(({ message }) => message).join("\n"), "Cannot do what max-fd");
  const exec = await duwsgi(["ctl", "exec", "--socket", control, "--wait"]);
  assertEquals(exec.code, 11, exec.stderr);
  directory.write("app.ini", iniFor(directory.at("app.ts")));
  const again = await duwsgi(["ctl", "exec", "--socket", control, "--wait"]);
  assertStringIncludes(again.stderr, "the process belongs to another program");
  assertMatch(await getText(`http://${address}/`), /^Hello/);
});

Deno.test("a chdir to where the process is already is no change", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(directory.write("app.ts", HELLO), `chdir = ${Deno.cwd()}`);
  await using master = await startMaster({ ini }, { log: ignore });
  assertEquals((await master.ready).length, 1);
});

Deno.test("what keeps an instance from starting is an error, and the next one can start", async () => {
  using directory = new TempDirectory();
  const app = directory.write("app.ts", HELLO);
  const wrong = { ini: iniFor(app, "proceses = 3\nlisten = many") };
  const several = await assertRejects(() => startMaster(wrong), UserError, `"processes"`);
  assertEquals([several.exit, several.message.split("\n").length], ["configuration", 2]);
  const socket = { ini: iniFor(app, "http-socket = 192.0.2.1:80") };
  const refused = await assertRejects(() => startMaster(socket, { log: ignore }), UserError);
  assertEquals(refused.exit, "socket");
  const broken = directory.write("broken.ts", `throw new Error("no database");`);
  const lines: string[] = [];
  const log = ({ message }: LogLine) => lines.push(message);
  const master = await startMaster({ ini: iniFor(broken) }, { log });
  await assertRejects(() => master.ready, Error, "No worker of");
  assertEquals(await master.ended, "noWorkerStarted");
  assertStringIncludes(lines.join("\n"), "no database");
});

Deno.test("signals are taken only when asked for", async () => {
  using directory = new TempDirectory();
  const ini = iniFor(directory.write("app.ts", HELLO));
  let seen = 0;
  const listener = () => void seen++;
  Deno.addSignalListener("SIGHUP", listener);
  try {
    for (const signals of [false, true]) {
      const reloads: string[] = [];
      await using master = await startMaster({ ini }, {
        signals,
        log: ({ event }) => reloads.push(event),
      });
      await master.ready;
      const events = master.events();
      Deno.kill(Deno.pid, "SIGHUP");
      if (signals) {
        for await (const { event } of events) {
          if (event === "reloadFinished") break;
        }
      } else {
        // Whatever a signal asks for is queued before this reload, and would be done first.
        assertEquals((await master.reload()).generation, 2);
      }
    }
  } finally {
    Deno.removeSignalListener("SIGHUP", listener);
  }
  assertEquals(seen, 2);
});

Deno.test("parseConfig() gives the whole configuration, or all problems at once", async () => {
  const good = await parseConfig({
    ini: "[uwsgi]\nsocket = :0\ncron = 0 0 -1 -1 -1 date\nprocesses = 3\nworker-override = app.ts",
    args: ["--listen", "7"],
  });
  assertEquals([good.config?.processes, good.config?.listen, good.problems], [3, 7, []]);
  const bad = await parseConfig({ ini: "[uwsgi]\nproceses = 2\nlisten = many\n" });
  assertEquals(bad.config, null);
  assertEquals(bad.problems.filter(({ origin }) => origin.file === "<ini>").length >= 2, true);
  const command = await parseConfig({ args: ["--check"], file: "examples/hello/app.ini" });
  assertStringIncludes(command.problems[0]?.message ?? "", "--check is a command");
  assertEquals((await parseConfig({ file: "examples/hello/app.ini" })).config?.script, "app.ts");
  const stdin = await parseConfig({ args: ["--ini", "-"] });
  assertStringIncludes(stdin.problems[0]?.message ?? "", "a library does not read it");
});
