import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { LanguageServer } from "../helpers/language_server.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

async function check(directory: string): Promise<{ success: boolean; text: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "app.ts"],
    cwd: directory,
    env: { NO_COLOR: "1" },
  }).output();
  return { success, text: new TextDecoder().decode(stderr) };
}

Deno.test("what init writes is an app that runs, reloads and passes deno check", async () => {
  using directory = new TempDirectory();
  const app = directory.at("new/app");
  const { code, stdout, stderr } = await duwsgi(["init", app]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /deno run -A \/.*main\.[jt]s --ini .*new\/app\/app\.ini$/m);
  assertEquals(await check(app), { success: true, text: "" });
  // Its own port may be taken.
  const ini = Deno.readTextFileSync(`${app}/app.ini`).replace("[uwsgi]\n", "")
    .replace("127.0.0.1:8080", "127.0.0.1:0").replace("%d", app);
  const { master, addresses } = await readyMaster({ ini });
  await using running = master;
  assertMatch(
    await getText(`http://${addresses[0]}/x`),
    /^Hello from worker [12], you asked for \/x/,
  );
  Deno.writeTextFileSync(`${app}/reload.touch`, "");
  await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
  // The import of its deno.json is that of the master.
  assert(running.events.every(({ message }) => !message.includes("is replaced by")));
});

Deno.test("an editor completes the names of the module", async () => {
  using directory = new TempDirectory();
  await duwsgi(["init", directory.path]);
  await using server = new LanguageServer(directory.path);
  const text = `import uwsgi from "uwsgi";\nuwsgi.`;
  const names = await server.completions(directory.path, "app.ts", text);
  for (const name of ["serve", "accepting", "worker_id", "on_reload", "sockets"]) {
    assert(names.includes(name), `${name} is not among ${names}`);
  }
});

Deno.test("the types of the module reach whoever maps it: a mistake is found", async () => {
  using directory = new TempDirectory();
  await duwsgi(["init", directory.path]);
  directory.write("app.ts", `import uwsgi from "uwsgi";\nuwsgi.serve(() => 404);\n`);
  const { success, text } = await check(directory.path);
  assertEquals(success, false);
  assertStringIncludes(text, "'number' is not assignable to type 'Response | Promise<Response>'");
});

Deno.test("what init writes is as deno fmt wants it", async () => {
  using directory = new TempDirectory();
  await duwsgi(["init", directory.path]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--check"],
    cwd: directory.path,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});

Deno.test("where there is an app, init writes an app.ini with which it runs, and nothing else", async () => {
  for (const script of ["main.ts", "src/server.ts", "app.ts"]) {
    using directory = new TempDirectory();
    const text = `Deno.serve(() => new Response("mine"));\n`;
    directory.write(`my app/${script}`, text);
    directory.write("my app/deno.json", "{}");
    const app = directory.at("my app");
    const { code, stdout, stderr } = await duwsgi(["init", app]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `app.ini for ${script} is in ${app}\n`);
    assertStringIncludes(stdout, ` --ini '${app}/app.ini'\n`);
    assertEquals(Deno.readTextFileSync(`${app}/${script}`), text);
    assertEquals(Deno.readTextFileSync(`${app}/deno.json`), "{}");
    const ini = Deno.readTextFileSync(`${app}/app.ini`).replace("[uwsgi]\n", "")
      .replace("127.0.0.1:8080", "127.0.0.1:0").replace("%d", app);
    const { master, addresses } = await readyMaster({ ini });
    await using running = master;
    assertEquals(await getText(`http://${addresses[0]}/`), "mine");
    assertEquals(await running.stop(), 0);
  }
});

Deno.test("init overwrites nothing, names what is there, and then writes nothing", async () => {
  using directory = new TempDirectory();
  const path = directory.write("app.ini", "mine");
  const { code, stdout, stderr } = await duwsgi(["init", directory.path]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    `duwsgi: init overwrites nothing, and ${path} is there: name another directory\n`,
  );
  assertEquals(directory.names, ["app.ini"]);
  const configuration = directory.write("deno.json", "{}");
  const both = await duwsgi(["init", directory.path]);
  assertStringIncludes(both.stderr, `${path}, ${configuration} are there`);
  assertEquals(directory.names, ["app.ini", "deno.json"]);
  const inFile = await duwsgi(["init", configuration]);
  assertEquals(inFile.code, 2);
  assertMatch(inFile.stderr, /^duwsgi: init cannot write to .*deno\.json: [^\n]*\n$/);
  const wrong: readonly [args: readonly string[], message: string][] = [
    [["a", "b"], `init: unexpected argument "b"`],
    [
      ["my-app/app.ini"],
      'init takes a directory, in which it writes app.ini, and not the file "my-app/app.ini"',
    ],
    [[""], "init takes a directory, and its name is empty"],
    [["--force"], 'init: unknown option "--force": it takes none but --help'],
  ];
  for (const [args, message] of wrong) {
    const result = await duwsgi(["init", ...args]);
    assertEquals([result.code, result.stdout, result.stderr], [2, "", `duwsgi: ${message}\n`]);
  }
  assertStringIncludes((await duwsgi(["init", "--help"])).stdout, "Usage: duwsgi init [DIRECTORY]");
});
