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

Deno.test("init overwrites nothing, names what is there, and then writes nothing", async () => {
  using directory = new TempDirectory();
  const path = directory.write("app.ts", "mine");
  const { code, stdout, stderr } = await duwsgi(["init", directory.path]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    `duwsgi: init overwrites nothing, and ${path} is there: name another directory\n`,
  );
  assertEquals(directory.names, ["app.ts"]);
  const inFile = await duwsgi(["init", path]);
  assertEquals(inFile.code, 2);
  assertMatch(inFile.stderr, /^duwsgi: init cannot write to .*app\.ts: [^\n]*\n$/);
  const two = await duwsgi(["init", "a", "b"]);
  assertEquals([two.code, two.stderr], [2, `duwsgi: init: unexpected argument "b"\n`]);
  assertStringIncludes((await duwsgi(["init", "--help"])).stdout, "Usage: duwsgi init [DIRECTORY]");
});
