import { assertEquals, assertStringIncludes } from "@std/assert";
import { duwsgi } from "../helpers/program.ts";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const GOLDEN = new URL("../golden/config/", import.meta.url);
const APP = "Deno.serve(() => new Response('served'));";

/** The lines of a file of uWSGI, as `tests/golden/config` has it. */
function linesOf(name: string): string {
  const text = Deno.readTextFileSync(new URL(`uwsgi_file_${name}.txt`, GOLDEN));
  return /==> app\.ini\n\[uwsgi\]\n([^]*?)==> /.exec(text)?.[1] ?? "";
}

Deno.test("files of uWSGI start as they are, with a script and an address of ours", async () => {
  // What belongs to another machine is replaced: users, directories, and a number of workers.
  const files: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
    bloomberg: [[/^processes = 128$/m, "processes = 2"], [/^cheaper.*\n/gm, ""]],
    image: [[/^(socket|chown-socket|chmod-socket) = .*\n/gm, ""]],
    debian: [[/^(uid|gid|socket) = .*\n/gm, ""], [/\/run\/uwsgi\/%\(deb-confname\)/g, "%DIR%"]],
    vassal: [
      [/^(uid|gid|carbon) = .*\n/gm, ""],
      [/\/run\//g, "%DIR%/"],
      [/\/var\/log\//g, "%DIR%/"],
      [/^logto = .*\n/m, "logger = stdio\nlogger = file:%DIR%/app.log\n"],
    ],
  };
  for (const [name, replacements] of Object.entries(files)) {
    const lines = replacements.reduce(
      (text, [from, to]) => text.replaceAll(new RegExp(from, "gm"), to),
      linesOf(name).replaceAll(/^http-socket = .*\n/gm, ""),
    );
    const { master, addresses } = await readyMaster({
      ini: `${lines}http-socket = 127.0.0.1:0`,
      files: { "app.ts": APP },
    });
    await using running = master;
    const http = addresses.find((address) => address.startsWith("127.")) ?? "";
    assertEquals(await getText(`http://${http}/`), "served", name);
    if (name === "vassal") assertStringIncludes(running.read("app.log"), '"ready"');
  }
});

/** What `--check` and a start say of a configuration. */
async function both(directory: TempDirectory, ini: string): Promise<readonly string[]> {
  directory.write("app.ts", APP);
  const text = `[uwsgi]\nhttp-socket = 127.0.0.1:0\nchdir = ${directory.path}\n` +
    `deno-worker-override = app.ts\n${ini}\n`;
  const check = await duwsgi(["--check", "--ini", "-"], text);
  const start = await duwsgi(["--ini", "-"], text);
  assertEquals([check.code === 0, start.code === 0], [false, false], `${ini}: ${check.stdout}`);
  const lines = (stderr: string) =>
    stderr.trim().split("\n").map((line) => line.replace(/^duwsgi: (error: )?/, ""));
  return [lines(check.stderr).at(-1) ?? "", lines(start.stderr).at(-1) ?? ""];
}

Deno.test("--check looks at users and directories, and says what the start would say", async () => {
  using directory = new TempDirectory();
  const gone = directory.at("gone");
  const same = [
    `logto = ${gone}/x.log`,
    `logger = file:${gone}/x.log`,
    `req-logger = file:${gone}/x.log`,
    `daemonize = ${gone}/x.log`,
    `pidfile = ${gone}/pid`,
    `pidfile2 = ${gone}/pid`,
    `stats = ${gone}/stats`,
    `metrics-http = ${gone}/metrics`,
    `socket = ${gone}/socket`,
    `metrics-dir = ${gone}/metrics`,
    `mule = ${gone}/mule.ts`,
    "uid = no-such-user",
    "gid = no-such-group",
    "add-gid = no-such-group",
    `chown-socket = no-such-user\nsocket = ${directory.at("unix")}`,
    `logfile-chown = no-such-user\nlogto = ${directory.at("log")}`,
  ];
  for (const ini of same) {
    const [checked, started] = await both(directory, ini);
    assertEquals(checked, started, ini);
  }
  const alike = [
    `safe-pidfile = ${gone}/pid`,
    `master-fifo = ${gone}/f`,
    `control-socket = ${gone}/c`,
  ];
  for (const ini of alike) {
    const [checked = "", started = ""] = await both(directory, ini);
    assertEquals(checked.split(":")[0], started.split(":")[0], ini);
  }
});

Deno.test("--check warns of a directory that a hook may make, and the start makes it", async () => {
  using directory = new TempDirectory();
  directory.write("app.ts", APP);
  const { code, stderr } = await duwsgi(
    ["--check", "--ini", "-"],
    `[uwsgi]\nhttp-socket = 127.0.0.1:0\nchdir = ${directory.path}\ndeno-worker-override = app.ts\n` +
      `hook-asap = mkdir:${directory.at("made")}\npidfile = ${directory.at("made/pid")}\n`,
  );
  assertEquals(code, 0);
  assertStringIncludes(stderr, 'made/pid" of pidfile (<stdin>:6): no such file');
  assertStringIncludes(stderr, "unless a hook makes it");
});
