import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { duwsgi } from "../helpers/program.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

Deno.test("--help, --help OPTION and --version answer on stdout", async () => {
  const help = await duwsgi(["--help"]);
  assertEquals([help.code, help.stderr], [0, ""]);
  for (const word of ["--processes", "--http-socket", "--touch-chain-reload", "--check"]) {
    assertStringIncludes(help.stdout, word);
  }
  for (const line of help.stdout.split("\n")) assert(line.length <= 100, line);
  const one = await duwsgi(["--help", "worker-reload-mercy"]);
  assertEquals(one.code, 0);
  assertStringIncludes(one.stdout, "60");
  assertMatch((await duwsgi(["--version"])).stdout, /^duwsgi \d+\.\d+\.\d+ \(Deno /);
});

Deno.test("--show-config prints what was understood, and that loads again", async () => {
  const ini = "[uwsgi]\nset-ph = port=8080\nhttp-socket = 127.0.0.1:%(port)\nprocesses = 3\n" +
    "deno-worker-override = examples/hello/app.ts\n";
  const shown = await duwsgi(["--ini", "-", "--show-config"], ini);
  assertEquals(shown.code, 0);
  assertStringIncludes(shown.stdout, "http-socket = 127.0.0.1:8080");
  const again = await duwsgi(["--ini", "-", "--show-config"], shown.stdout);
  assertEquals(again.stdout, shown.stdout);
});

Deno.test("--check finds everything that is wrong without binding or running anything", async () => {
  const good = await duwsgi(["--check", "--ini", "examples/aioserver/app.ini"]);
  assertEquals([good.code, good.stderr], [0, ""]);
  const several = await duwsgi(
    ["--check", "--ini", "-"],
    "[uwsgi]\nproceses = 2\nlisten = many\npython-worker-override = x.py\n",
  );
  assertEquals(several.code, 2);
  const lines = several.stderr.trim().split("\n");
  assert(lines.length >= 3, several.stderr);
  assertMatch(several.stderr, /<stdin>:2.*did you mean "processes"/);
  assertMatch(several.stderr, /<stdin>:3/);
  assertMatch(several.stderr, /<stdin>:4.*deno-worker-override/);
});

Deno.test("--check follows the imports of the script", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const check = async (text: string) => {
      Deno.writeTextFileSync(`${directory}/app.ts`, text);
      return await duwsgi([
        ...["--check", "--http-socket", "127.0.0.1:0"],
        ...["--deno-worker-override", `${directory}/app.ts`],
      ]);
    };
    assertEquals(
      (await check(`import uwsgi from "uwsgi"; uwsgi.serve(() => new Response());`)).code,
      0,
    );
    const missing = await check(`import "./helper.ts"; import x from "unknown-package"; x();`);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, "helper.ts");
    assertStringIncludes(missing.stderr, "unknown-package");
    const syntax = await check("const = 1;");
    assertEquals(syntax.code, 2);
    assertStringIncludes(syntax.stderr, "app.ts");
    Deno.removeSync(`${directory}/app.ts`);
    const gone = await duwsgi(["--check", "--socket=:0", `--worker-override=${directory}/app.ts`]);
    assertEquals(gone.code, 2);
    assertStringIncludes(gone.stderr, "Cannot find the script");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a script or a directory that is not there is named with its place, and what to do", async () => {
  using directory = new TempDirectory();
  const ini = directory.at("app.ini");
  directory.write("folder/app.ts", "");
  const cases: readonly [lines: string, message: string][] = [
    [
      "deno-worker-override = no.ts",
      `Cannot find the script "no.ts" of deno-worker-override (${ini}:3) ` +
      `in ${Deno.cwd()}: with chdir = %d in the INI file it is looked for beside that`,
    ],
    [
      "chdir = %d\ndeno-worker-override = no.ts",
      `Cannot find the script "no.ts" of ` +
      `deno-worker-override (${ini}:4) in ${directory.path}`,
    ],
    [
      "chdir = %d\ndeno-worker-override = folder",
      `Cannot run "folder" of deno-worker-override ` +
      `(${ini}:4): it is a directory, name a script in it`,
    ],
    [
      "deno-worker-override = https://example.org/app.ts",
      `Cannot run "https://example.org/app.ts" of ` +
      `deno-worker-override (${ini}:3): it has to be a file, such as one that imports it`,
    ],
    [
      `chdir = ${directory.at("none")}\ndeno-worker-override = no.ts`,
      `Cannot change to ` +
      `"${directory.at("none")}" of chdir (${ini}:3): there is no such directory`,
    ],
  ];
  for (const [lines, message] of cases) {
    Deno.writeTextFileSync(ini, `[uwsgi]\nhttp-socket = 127.0.0.1:0\n${lines}\n`);
    const started = await duwsgi(["--ini", ini]);
    assertEquals([started.code, started.stderr], [2, `duwsgi: ${message}\n`]);
    const checked = await duwsgi(["--check", "--ini", ini]);
    assertEquals(checked.code, 2);
    assertStringIncludes(checked.stderr, message);
  }
});

Deno.test("mistakes on the command line are exit code 2 and say what to do", async () => {
  const unknown = await duwsgi(["--procesess", "4"]);
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
  assertStringIncludes(unknown.stderr, `did you mean "processes"`);
  const missing = await duwsgi(["--ini", "nowhere.ini"]);
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "nowhere.ini");
  assertEquals((await duwsgi([])).code, 2);
});
