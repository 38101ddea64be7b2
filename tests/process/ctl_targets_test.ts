/** How `ctl` and `top` find a master without a pidfile, a control socket or a process id. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const APP = { "app.ts": { fixture: "workers/hello.ts" } };
/** As `init` writes it. */
const INI = "chdir = %d\nhttp-socket = 127.0.0.1:0\ndeno-worker-override = app.ts";

/** Runs a command, and returns the masters of `--json`. */
async function list(): Promise<readonly Record<string, unknown>[]> {
  const { code, stdout, stderr } = await duwsgi(["ctl", "list", "--json"]);
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout).masters;
}

Deno.test("ctl finds a master by its INI file or directory alone, and list shows it", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: APP });
  await using running = master;
  const directory = Deno.realPathSync(running.directory);
  for (const target of [running.path("app.ini"), running.directory]) {
    const { code, stdout, stderr } = await duwsgi(["ctl", "status", target, "--json"]);
    assertEquals([code, stderr], [0, ""]);
    const status = JSON.parse(stdout);
    assertEquals(status.pid, running.pid);
    assertEquals(status.directory, directory);
    assertEquals(status.configuration, [running.path("app.ini")]);
  }
  for (const target of [running.path("app.ini"), running.directory]) {
    const top = await duwsgi(["top", target, "--once", "-i", "0"]);
    assertEquals([top.code, top.stderr], [0, ""]);
    assertStringIncludes(top.stdout, `pid ${running.pid} `);
  }
  const shown = (await list()).find(({ pid }) => pid === running.pid);
  assertEquals(
    [shown?.script, shown?.directory, shown?.sockets, shown?.accepting],
    ["app.ts", directory, [...addresses], 1],
  );
  const { stdout } = await duwsgi(["ctl", "list"]);
  assertMatch(stdout, /^PID +SCRIPT +WORKERS +DIRECTORY +ADDRESSES\n/);
  const line = stdout.split("\n").find((one) => one.startsWith(`${running.pid} `)) ?? "";
  assertStringIncludes(line, `app.ts  1/1      ${directory}`);
  assertStringIncludes(line, String(addresses[0]));
  const stopped = await duwsgi(["ctl", "stop", running.directory, "--wait"]);
  assertEquals(stopped.code, 0, stopped.stderr);
  assertEquals(await running.exitCode(), 0);
  assert((await list()).every(({ pid }) => pid !== running.pid));
});

Deno.test("a pidfile that is gone does not hide the master of an INI file", async () => {
  const { master } = await readyMaster({ ini: `${INI}\npidfile = %DIR%/app.pid`, files: APP });
  await using running = master;
  Deno.removeSync(running.path("app.pid"));
  const { code, stdout } = await duwsgi(["ctl", "status", running.path("app.ini"), "--json"]);
  assertEquals([code, JSON.parse(stdout).pid], [0, running.pid]);
});

Deno.test("where there are several, they are named with directory and address", async () => {
  const { master: first } = await readyMaster({ ini: INI, files: APP });
  await using one = first;
  const { master: second } = await readyMaster({ ini: INI, files: APP });
  await using two = second;
  for (const program of [["ctl", "status"], ["top", "--once"]]) {
    const { code, stderr } = await duwsgi(program);
    assertEquals(code, 2);
    assertMatch(stderr, /^duwsgi: Several masters run here: name one with --pid N, [^\n]*\n$/);
    for (const { pid, directory } of [one, two]) {
      assertStringIncludes(
        stderr,
        `${pid} (app.ts in ${Deno.realPathSync(directory)} on 127.0.0.1:`,
      );
    }
  }
});

Deno.test("what names no master is one line", async () => {
  using directory = new TempDirectory();
  const ini = directory.write("app.ini", "[uwsgi]\nprocesses = 2\n");
  const cases: readonly [args: readonly string[], code: number, message: string][] = [
    [["ctl", "status", ini], 13, `No master of ${ini} runs here as this user`],
    [["ctl", "status", directory.path], 13, `No master runs in ${directory.path} as this user`],
    [["ctl", "status", directory.at("none")], 2, "it is neither an INI file nor a directory"],
  ];
  for (const [args, code, message] of cases) {
    const result = await duwsgi(args);
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    assertStringIncludes(result.stderr, message);
    assertEquals(result.stderr.trim().split("\n").length, 1, result.stderr);
  }
});

Deno.test("who waits for long is told what for, and why it failed", async () => {
  const { master } = await readyMaster({ ini: INI, files: APP });
  await using running = master;
  running.write({ "app.ts": "await new Promise(() => setInterval(() => {}, 1000));" });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", new URL("../../main.ts", import.meta.url).pathname],
      ...["ctl", "reload", running.path("app.ini"), "--wait"],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  const told = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      said += chunk;
      if (said.includes("\n")) told.resolve();
    }
  })();
  await told.promise;
  assertMatch(
    said,
    /^duwsgi: Reload \(all\) to generation 2: 0 of 1 done; slot 1 starts \(pid \d+\)\n/,
  );
  Deno.kill(Number(/\(pid (\d+)\)/.exec(said)?.[1]), "SIGKILL");
  assertEquals((await child.status).code > 0, true);
  await reading;
  assertStringIncludes(said, "SIGKILL");
});
