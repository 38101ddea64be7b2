/** The program where there is no network, no package and no configuration of its own: `deno install`. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MAIN } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const APP = { "app.ts": `Deno.serve(() => new Response("here"));` };
const INI = `http-socket = 127.0.0.1:0
deno-worker-override = %DIR%/app.ts
chdir = %DIR%
pidfile = %DIR%/app.pid`;

/** Runs a command that may fetch nothing, with a cache that has nothing. */
async function offline(
  command: readonly [string, ...string[]],
  directory: TempDirectory,
): Promise<{ readonly code: number; readonly out: string; readonly said: string }> {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: directory.path,
    env: {
      NO_COLOR: "1",
      DENO_DIR: directory.at("cache"),
      // Whatever is asked for is refused at once.
      HTTPS_PROXY: "http://127.0.0.1:9",
      HTTP_PROXY: "http://127.0.0.1:9",
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
      DENO_NO_UPDATE_CHECK: "1",
    },
  }).output();
  const [out = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, said };
}

Deno.test("an installed program shows an instance, and reads configurations with comments, without a network or a package", async () => {
  using directory = new TempDirectory();
  const root = directory.at("root");
  const installed = await offline([
    Deno.execPath(),
    ...["install", "--global", "-A", "--name", "duwsgi", "--root", root, MAIN],
  ], directory);
  assertEquals(installed.code, 0, installed.said);
  const duwsgi = `${root}/bin/duwsgi`;
  const version = await offline([duwsgi, "--version"], directory);
  assertEquals([version.code, version.said], [0, ""]);

  const { master } = await readyMaster({ ini: INI, files: APP });
  await using running = master;
  for (const args of [["--once"], ["--json"]]) {
    const top = await offline([duwsgi, "top", running.path("app.pid"), ...args], directory);
    assertEquals([top.code, top.said], [0, ""]);
    assertStringIncludes(top.out, String(running.pid));
  }
  const status = await offline(
    [duwsgi, "ctl", "status", "--pidfile", running.path("app.pid")],
    directory,
  );
  assertEquals([status.code, status.said], [0, ""]);

  directory.write("app/deno.json", `{ "imports": { "x": "./x.ts" } /* a comment */ }`);
  directory.write("app/x.ts", "export const x = 1;");
  const script = directory.write("app/app.ts", `import { x } from "x";\nconsole.log(x);`);
  const check = await offline(
    [duwsgi, "--check", "--socket=:0", `--worker-override=${script}`],
    directory,
  );
  assertEquals(check.code, 0, check.said);
  assertMatch(check.out, /is good/);
});

Deno.test("no command of the program fetches a package, whatever its deno.json names", async () => {
  using directory = new TempDirectory();
  for (const args of [["top", "--help"], ["ctl", "--help"], ["init", "--help"], ["--help"]]) {
    const { code, said } = await offline([Deno.execPath(), "run", "-A", MAIN, ...args], directory);
    assertEquals([args, code, said], [args, 0, ""]);
  }
});
