import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const FILES = { "app.ts": { fixture: "workers/hello.ts" } };
const INI = `http-socket = 127.0.0.1:0
processes = 2
master-fifo = %DIR%/fifo
control-socket = %DIR%/ctl.sock
deno-worker-override = app.ts`;

/** Runs `ctl` for a master. */
function ctl(running: RunningMaster, ...args: string[]) {
  return duwsgi(["ctl", "--socket", running.path("ctl.sock"), ...args]);
}

/** Writes to a master's FIFO. */
function write(running: RunningMaster, letters: string): Promise<void> {
  return Deno.writeTextFile(running.path("fifo"), letters, { create: false });
}

/** A reload's end, from this event on. */
function reloaded(running: RunningMaster, from: number) {
  return running.waitFor("reloadFinished", () => true, from);
}

Deno.test("letters in the FIFO reload, show the status and stop; unknown ones are told once", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  for (const [letter, kind] of [["c", "chain"], ["r", "all"], ["w", "workers"]] as const) {
    const from = running.events.length;
    await write(running, `${letter}\n`);
    const { outcome, kind: done } = await reloaded(running, from);
    assertEquals([outcome, done], ["done", kind]);
  }
  const replaced = running.events.length;
  await write(running, "f");
  assertEquals((await reloaded(running, replaced)).outcome, "done");
  assert(running.events.slice(replaced).some(({ event }) => event === "banner"));
  await write(running, "s");
  const { value } = await running.waitFor("status");
  assertEquals((value as { readonly generation: number }).generation, 5);
  await write(running, "xyz\nq");
  assertEquals(await running.exitCode(), 0);
  assertEquals(running.count("unknownLetter"), 1);
  assertEquals([...Deno.readDirSync(running.directory)].map(({ name }) => name).sort(), [
    "app.ini",
    "app.ts",
  ]);
});

Deno.test("a FIFO or control socket that cannot be made ends the start, and nothing is left", async () => {
  for (const option of ["master-fifo", "control-socket"]) {
    await using running = startMaster({
      ini: `http-socket = %DIR%/app.sock\n${option} = %DIR%/file\ndeno-worker-override = app.ts`,
      files: { ...FILES, file: "precious" },
    });
    assertEquals(await running.exitCode(), 3);
    assertMatch(running.output.join("\n"), new RegExp(`Cannot open ${option} .*/file.*`));
    assertEquals(Deno.readTextFileSync(running.path("file")), "precious");
    assertEquals([...Deno.readDirSync(running.directory)].map(({ name }) => name).sort(), [
      "app.ini",
      "app.ts",
      "file",
    ]);
  }
});

Deno.test("a FIFO and a socket that a killed master left behind are replaced", async () => {
  using old = new TempDirectory();
  const ini = INI.replaceAll("%DIR%", old.path);
  await new Deno.Command("mkfifo", { args: [old.at("fifo")] }).output();
  Deno.listen({ transport: "unix", path: old.at("ctl.sock") }).close();
  const { master } = await readyMaster({ ini, files: FILES });
  await using running = master;
  assertEquals((Deno.statSync(old.at("ctl.sock")).mode ?? 0) & 0o777, 0o600);
  const from = running.events.length;
  await Deno.writeTextFile(old.at("fifo"), "c", { create: false });
  assertEquals((await reloaded(running, from)).outcome, "done");
  assertEquals(await running.stop(), 0);
  assertEquals(old.names, []);
});

Deno.test("ctl finds a master by socket, INI, pidfile and process id, and shows it", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  Deno.writeTextFileSync(running.path("pid"), `${running.pid}\n`);
  const targets = [
    ["--socket", running.path("ctl.sock")],
    [running.path("app.ini")],
    ["--pidfile", running.path("pid")],
    ["--pid", String(running.pid)],
  ];
  for (const target of targets) {
    const { code, stdout, stderr } = await duwsgi(["ctl", "status", "--json", ...target]);
    assertEquals([code, stderr], [0, ""]);
    const status = JSON.parse(stdout) as Record<string, unknown>;
    assertEquals(
      [status.pid, status.phase, status.sockets],
      [running.pid, "running", [...addresses]],
    );
  }
  const { stdout } = await ctl(running, "workers");
  assertMatch(stdout, /^SLOT +PID +STATE/);
  for (const pid of running.acceptingPids().values()) assertStringIncludes(stdout, String(pid));
});

Deno.test("ctl asks for reloads, and says what is wrong with a command", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  const from = running.events.length;
  const asked = await ctl(running, "chain-reload");
  assertEquals([asked.code, asked.stdout], [0, "chain-reload was asked for\n"]);
  assertEquals((await reloaded(running, from)).outcome, "done");
  const wrong = await ctl(running, "scale", "none");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "scale expects a number of workers");
  const hook = await ctl(running, "rotate-logs", "--json");
  assertEquals(hook.code, 2);
  assertEquals(JSON.parse(hook.stdout).outcome, "configuration");
});

Deno.test("ctl --wait tells which process replaced which, and goes back with file and line", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nchain-reload-verify = 0`,
    files: FILES,
  });
  await using running = master;
  const before = running.acceptingPids();
  const done = await ctl(running, "reload", "--wait", "--json");
  const { outcome, generation, slots } = JSON.parse(done.stdout);
  assertEquals([done.code, outcome, generation], [0, "done", 2]);
  const after = running.acceptingPids();
  assertEquals(
    slots,
    [1, 2].map((slot) => ({ slot, oldPid: before.get(slot), newPid: after.get(slot) })),
  );
  running.write({ "app.ts": "throw new Error('broken');" });
  const broken = await ctl(running, "chain-reload", "--wait", "--json");
  const verdict = JSON.parse(broken.stdout);
  assertEquals([broken.code, verdict.outcome, verdict.slots], [10, "rolled-back", []]);
  assert(Number.isInteger(verdict.tookMs), String(verdict.tookMs));
  assertEquals(verdict.generation, 2);
  assertEquals(verdict.failures[0].file, running.path("app.ts"));
  assertEquals(verdict.failures[0].line, 1);
});

Deno.test("a reload that fails has one exit code, whichever slot fails, and a later one leaves no trace", async () => {
  const { master } = await readyMaster({ ini: `${INI}\nchain-reload-verify = 0`, files: FILES });
  await using running = master;
  const hello = running.read("app.ts");
  const status = async () => JSON.parse((await ctl(running, "status", "--json")).stdout);
  const serve = "uwsgi.serve(";
  for (const slot of [1, 2]) {
    const broken = `if (uwsgi.worker_id() === ${slot}) throw Error("broken");\n${serve}`;
    running.write({ "app.ts": hello.replace(serve, broken) });
    for (const command of ["chain-reload", "workers-reload", "reload"]) {
      const { code, stderr } = await ctl(running, command, "--wait");
      assertEquals(code, 10, stderr);
      assertStringIncludes(stderr, `${running.path("app.ts")}:`);
      assert(!stderr.includes("→"), stderr);
    }
    assertStringIncludes((await status()).slots[slot - 1].lastFailure, "broken");
  }
  running.write({ "app.ts": hello });
  assertEquals((await ctl(running, "chain-reload", "--wait")).code, 0);
  const { slots } = await status();
  assertEquals(
    slots.map(({ lastFailure }: { lastFailure: unknown }) => lastFailure),
    [null, null],
  );
  assert(!(await ctl(running, "status")).stdout.includes("broken"));
});

Deno.test("ctl --wait says what is wrong with a configuration, with file and line", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  running.writeIni(`${INI}\nproceses = 3\nno-such = 1`);
  for (const command of ["reload", "brutal-reload", "exec"]) {
    const { code, stderr } = await ctl(running, command, "--wait");
    assertEquals(code, 11);
    assertMatch(
      stderr,
      /^duwsgi: Reload failed: the configuration has errors: .*"proceses" at .*app\.ini:8.*\(and 1 more, see the log\), everything stays as it is\n$/,
    );
  }
  const from = running.events.length;
  running.signal("SIGHUP");
  await reloaded(running, from);
  const end = running.events.slice(from).find(({ event }) => event === "reloadFinished");
  assertMatch(end?.message ?? "", /proceses.*app\.ini:8/);
});

Deno.test("ctl scale --wait, pause and resume, and SIGTTIN and SIGTTOU change what accepts", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  const status = async () => JSON.parse((await ctl(running, "status", "--json")).stdout);
  assertEquals((await ctl(running, "scale", "+1", "--wait")).code, 0);
  assertEquals((await status()).processes, 3);
  running.signal("SIGTTOU");
  await running.until(async () => (await status()).processes === 2, "one worker less");
  running.signal("SIGTTIN");
  await running.until(async () => (await status()).processes === 3, "one worker more");
  assertEquals((await ctl(running, "pause", "--wait")).code, 0);
  assertEquals((await status()).paused, true);
  assertEquals((await ctl(running, "resume", "--wait")).code, 0);
  running.signal("SIGTSTP");
  await running.until(async () => (await status()).paused, "pause");
  await write(running, "p");
  await running.until(async () => !(await status()).paused, "end of the pause");
});

Deno.test("ctl scale --wait is done when the workers accept, and fails when they do not start", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  const done = await ctl(running, "scale", "4", "--wait", "--json");
  assertEquals([done.code, JSON.parse(done.stdout).text], [0, "4 workers from now on"]);
  assertEquals(running.acceptingPids().size, 4);
  const before = running.acceptingPids();
  running.write({ "app.ts": "throw new Error('broken');" });
  const failed = await ctl(running, "scale", "6", "--wait", "--json");
  const { outcome, failures, tookMs, text } = JSON.parse(failed.stdout);
  assertEquals([failed.code, outcome], [11, "failed"]);
  assertEquals([failures[0].file, failures[0].line], [running.path("app.ts"), 1]);
  assert(Number.isInteger(tookMs) && text.endsWith("It stays at 4 workers"), text);
  const { processes, slots } = JSON.parse((await ctl(running, "status", "--json")).stdout);
  assertEquals(processes, 4);
  for (const [slot, pid] of before) assertEquals(slots[slot - 1].workers[0].pid, pid);
  // A signal asks for the same.
  running.signal("SIGTTIN");
  await running.waitFor("scaleFailed", ({ from }) => from === 5);
});

Deno.test("ctl reload --wait follows a master whose program is replaced", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  running.writeIni(`${INI}\nsocket = %DIR%/more.sock\nvacuum = true`);
  const { code, stdout } = await duwsgi([
    ...["ctl", "reload", "--wait", "--json", "--pid", String(running.pid)],
  ]);
  assertEquals([code, JSON.parse(stdout).outcome], [0, "done"], stdout);
  assertStringIncludes(JSON.parse(stdout).text, "program was replaced");
  const from = running.events.length;
  await write(running, "c");
  assertEquals((await reloaded(running, from)).outcome, "done");
});

Deno.test("ctl stop --wait ends when the master is gone, and others who wait are told", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  running.write({ "app.ts": "await new Promise(() => setInterval(() => {}, 1000));" });
  const from = running.events.length;
  const waiting = ctl(running, "reload", "--wait", "--json");
  await running.waitFor("reloadRequested", () => true, from);
  const stopped = await ctl(running, "stop", "--wait", "--json");
  assertEquals([stopped.code, JSON.parse(stopped.stdout).outcome], [0, "done"]);
  const reload = await waiting;
  assertEquals([reload.code, JSON.parse(reload.stdout).outcome], [12, "cancelled"]);
  assertEquals(await running.exitCode(), 0);
});

Deno.test("ctl --timeout gives up, and what was asked for goes on", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  running.write({ "app.ts": "await new Promise(() => setInterval(() => {}, 1000));" });
  const { code, stdout } = await ctl(running, "reload", "--wait", "--timeout", "0.2", "--json");
  assertEquals([code, JSON.parse(stdout).outcome], [14, "timeout"]);
  const status = await ctl(running, "status", "--json");
  assertEquals(JSON.parse(status.stdout).reload.kind, "all");
});

Deno.test("ctl and the commands of a pidfile say clearly that no master answers", async () => {
  using directory = new TempDirectory();
  const gone = new Deno.Command("true").spawn();
  await gone.status;
  const cases: readonly [args: readonly string[], message: string][] = [
    [["--socket", directory.at("none")], "there is no such socket"],
    [["--pidfile", directory.at("none")], "there is no such file"],
    [["--pidfile", directory.write("text", "hello")], "holds no process id"],
    [["--pidfile", directory.write("gone", String(gone.pid))], "No process has the id"],
    [["--pidfile", directory.write("alien", String(Deno.pid))], "is no duwsgi master"],
  ];
  for (const [target, message] of cases) {
    const { code, stderr } = await duwsgi(["ctl", "status", ...target]);
    assertEquals(code, 13, stderr);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1);
  }
  for (const command of ["--reload", "--stop", "--pause", "--resume"]) {
    const { code, stderr } = await duwsgi([command, directory.at("alien")]);
    assertEquals(code, 13, stderr);
    assertStringIncludes(stderr, "is no duwsgi master");
  }
  assertEquals((await duwsgi(["--stop"])).code, 2);
});

Deno.test("--reload PIDFILE reloads, and --stop PIDFILE stops", async () => {
  const { master } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  Deno.writeTextFileSync(running.path("pid"), `${running.pid}\n`);
  const from = running.events.length;
  const reload = await duwsgi(["--reload", running.path("pid")]);
  assertEquals([reload.code, reload.stderr], [0, ""]);
  const { outcome, kind } = await reloaded(running, from);
  assertEquals([outcome, kind], ["done", "all"]);
  assertEquals((await duwsgi(["--stop", running.path("pid")])).code, 0);
  assertEquals(await running.exitCode(), 0);
});

Deno.test("SIGUSR2 starts a chain reload, and a second SIGINT kills", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  const from = running.events.length;
  running.write({
    "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => {
  console.error("a request is there");
  return new Promise(() => {});
});`,
  });
  running.signal("SIGUSR2");
  const { outcome, kind } = await reloaded(running, from);
  assertEquals([outcome, kind], ["done", "chain"]);
  const request = fetch(`http://${addresses[0]}/`).then(() => "answered", () => "cut off");
  await running.until(() => running.output.includes("a request is there"), "request");
  running.signal("SIGINT");
  await running.waitFor("stopping", ({ again }) => again === false);
  running.signal("SIGINT");
  assertEquals([await running.exitCode(), await request], [5, "cut off"]);
});

Deno.test("other signals do no harm, and SIGUSR1 starts no debugger", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: FILES });
  await using running = master;
  const started = performance.now();
  // Deno listens to SIGUSR1 only half a second after its start.
  await running.until(() => performance.now() - started > 1500, "second");
  for (const signal of ["SIGUSR1", "SIGWINCH"] as const) {
    running.signal(signal);
  }
  const { stdout } = await ctl(running, "status", "--json");
  assertEquals(JSON.parse(stdout).phase, "running");
  assertStringIncludes(await getText(`http://${addresses[0]}/`), "pid");
  assertEquals(await running.stop(), 0);
  assertEquals(running.output, []);
});

Deno.test("touch-exec runs its command, and tells when it fails", async () => {
  const { master } = await readyMaster({
    ini: `${INI}
touch-exec = %DIR%/deploy echo one > out && mv out result
touch-exec = %DIR%/broken exit 3
touch-workers-reload = %DIR%/workers`,
    files: FILES,
  });
  await using running = master;
  const from = running.events.length;
  running.touch("deploy");
  running.touch("broken");
  running.touch("workers");
  const { failed } = await running.waitFor("touchExec", ({ command }) => command !== "exit 3");
  assertEquals([failed, Deno.readTextFileSync(running.path("result"))], [false, "one\n"]);
  assertEquals((await running.waitFor("touchExec", (f) => f.command === "exit 3")).failed, true);
  assertEquals((await reloaded(running, from)).kind, "workers");
});

Deno.test("fs-reload reloads when anything in a directory changes, also one that comes later", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nfs-reload = %DIR%/current`,
    files: FILES,
  });
  await using running = master;
  // It watches once it answers: what comes before the first answer was opened before, too.
  await ctl(running, "status");
  const changes: readonly (() => void)[] = [
    () => Deno.mkdirSync(running.path("current")),
    () => Deno.writeTextFileSync(running.path("current/file"), "1"),
    () => Deno.chmodSync(running.path("current/file"), 0o600),
  ];
  for (const change of changes) {
    const from = running.events.length;
    change();
    const { outcome, kind } = await reloaded(running, from);
    assertEquals([outcome, kind], ["done", "all"]);
  }
  assert(running.count("reloadFinished") >= 3);
});
