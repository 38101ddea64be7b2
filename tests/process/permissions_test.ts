/** What the program says where Deno does not allow what it needs. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { MAIN, type Result } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

/** What the documents name. */
const ALL = ["read", "write", "net", "run", "env", "sys", "ffi"].map((name) => `--allow-${name}`);
const APP = { "app.ts": `Deno.serve(() => new Response("here"));` };
const INI = "http-socket = 127.0.0.1:0\ndeno-worker-override = %DIR%/app.ts";

/** Runs the program with these permissions only. */
async function duwsgi(
  flags: readonly string[],
  args: readonly string[],
  cwd?: string,
): Promise<Result> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, MAIN, ...args],
    ...cwd === undefined ? {} : { cwd },
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("--help and --version answer without any permission", async () => {
  const version = await duwsgi([], ["--version"]);
  assertEquals([version.code, version.stderr], [0, ""]);
  assertMatch(version.stdout, /^duwsgi \d/);
  for (const args of [["--help"], ["--help", "processes"]]) {
    const help = await duwsgi([], args);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, "processes");
  }
});

Deno.test("whatever Deno does not allow is one line that names it, and what to do", async (test) => {
  using directory = new TempDirectory();
  directory.write("app.ts", APP["app.ts"]);
  const commands = {
    "an instance": ["--http-socket=127.0.0.1:0", "--worker-override=app.ts"],
    "--check": ["--check", "--http-socket=127.0.0.1:0", "--worker-override=app.ts"],
    "ctl": ["ctl", "status", "--pid", "1"],
    "top": ["top", "--once", "127.0.0.1:9"],
    "init": ["init", "new"],
  };
  for (const [name, args] of Object.entries(commands)) {
    const ofInstance = args[0]?.startsWith("--") === true;
    const needed = ALL.filter((flag) =>
      flag !== "--allow-ffi" && (ofInstance || flag !== "--allow-run")
    );
    for (const missing of needed) {
      await test.step(`${name} without ${missing}`, async () => {
        const flags = ALL.filter((flag) => flag !== missing);
        const { code, stdout, stderr } = await duwsgi(flags, args, directory.path);
        assertEquals([code, stdout], [2, ""]);
        assertMatch(
          stderr,
          /^duwsgi: Deno does not allow what duwsgi needs: [^\n]* is missing: run it with -A, or with [^\n]*\n$/,
        );
        assertStringIncludes(stderr, `needs: ${missing} (`);
      });
    }
    await test.step(`${name} without all of them`, async () => {
      const { code, stderr } = await duwsgi([], args, directory.path);
      assertEquals(code, 2);
      assertMatch(stderr, /^duwsgi: [^\n]* are missing: run it with -A, or with [^\n]*\n$/);
      for (const flag of needed) assertStringIncludes(stderr, `${flag} (`);
    });
  }
  assertEquals(directory.names, ["app.ts"]);
});

Deno.test("a permission for less than is needed is one line as well", async () => {
  using directory = new TempDirectory();
  const script = directory.write("app.ts", APP["app.ts"]);
  const flags = ALL.map((flag) => flag === "--allow-read" ? "--allow-read=/proc" : flag);
  const pid = await duwsgi(ALL, ["ctl", "status", "--pid", String(Deno.pid)]);
  assertEquals(pid.code, 2);
  assertMatch(pid.stderr, /^duwsgi: Requires all access to "\/proc\/[^\n]*: run duwsgi with -A\n$/);
  const args = ["--smoke", "--http-socket=127.0.0.1:0", `--worker-override=${script}`];
  const { code, stderr } = await duwsgi(flags, args);
  assertEquals(code, 2);
  assertMatch(
    stderr,
    /^duwsgi: Requires read access to [^\n]*: run duwsgi with -A, or with --allow-read\n$/,
  );
});

Deno.test("the permissions that are named are enough, and without foreign functions the log warns", async () => {
  for (const permissions of [ALL, ALL.filter((flag) => flag !== "--allow-ffi")]) {
    const { master, addresses } = await readyMaster({
      ini: INI,
      files: APP,
      permissions: ["--no-prompt", ...permissions],
    });
    await using running = master;
    assertEquals(await getText(`http://${addresses[0]}/`), "here");
    const warned = running.events.filter(({ event }) => event === "ownSockets");
    assertEquals(warned.length, permissions.length === ALL.length ? 0 : 1);
    assert(warned.every(({ message }) => message.includes("allow them with --allow-ffi")));
    assertEquals(await running.stop(), 0);
  }
});
