/** What `deno task bundle` writes: the program in few files. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, dirname, fromFileUrl, join } from "@std/path/posix";
import { getJson, getText } from "../helpers/http.ts";
import { reloadUnderLoad } from "../helpers/reload_load.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const PRISONER = fromFileUrl(new URL("../fixtures/workers/prisoner.js", import.meta.url));
const LOSS_APP = fromFileUrl(new URL("../fixtures/apps/loss_app.ts", import.meta.url));

/** What Deno says, and its exit code. */
async function deno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const [out = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, said };
}

function bundle(directory: string): ReturnType<typeof deno> {
  return deno(["task", "--quiet", "bundle", directory]);
}

/** The files that Deno loads for a module, without those that are part of Deno. */
async function loaded(path: string): Promise<readonly string[]> {
  const { out } = await deno(["info", "--json", path]);
  const { modules } = JSON.parse(out) as {
    readonly modules: readonly { readonly specifier: string; readonly error?: string }[];
  };
  assertEquals(modules.filter(({ error }) => error !== undefined), [], path);
  return modules.map(({ specifier }) => specifier).filter((specifier) =>
    !specifier.startsWith("node:") && !specifier.includes("/lib/types/")
  );
}

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesBelow(path) : [path];
  });
}

Deno.test("the program as few files", async (test) => {
  using directory = new TempDirectory();
  const top = directory.at("duwsgi");
  const main = join(top, "main.js");
  const program = { deno: Deno.execPath(), main };
  // One that was made before.
  directory.write("duwsgi/main.js", "// duwsgi, made by `deno task bundle`: edit nothing here.\n");
  directory.write("duwsgi/chunk-OLD.js");
  const { code, said } = await bundle(top);
  assertEquals(code, 0, said);
  assertStringIncludes(said, main);
  assertEquals(filesBelow(top).filter((path) => path.includes("OLD")), []);

  await test.step("a plain start loads two files in the master and few in each worker", async () => {
    assertEquals((await loaded(main)).length, 2);
    const worker = await Promise.all(
      ["preload", "uwsgi"].map((name) => loaded(join(top, `lib/worker/${name}.js`))),
    );
    const files = new Set(worker.flat());
    assert(files.size <= 5, [...files].join("\n"));
  });

  await test.step("every module that one names is there, and can be loaded", async () => {
    const scripts = filesBelow(top).filter((path) => path.endsWith(".js"));
    const named = scripts.flatMap((path) => {
      const text = Deno.readTextFileSync(path);
      const names = text.matchAll(/(?:import\.meta\.resolve\(|new URL\()"(\.[^"]*\.js)"/g);
      return [...names].map(([, name = ""]) => join(dirname(path), name));
    });
    assert(named.length > 40, `only ${named.length} names`);
    for (const path of new Set(named)) await loaded(path);
  });

  await test.step("it needs no library from the network, and reads configurations", async () => {
    const env = { DENO_DIR: directory.at("cache") };
    const call = ["run", "-A", "--cached-only", main];
    assertMatch((await deno([...call, "--version"], env)).out, /^duwsgi \d/);
    const typo = await deno([...call, "--http-sockt=:0"], env);
    assertEquals(typo.code, 2);
    assertStringIncludes(typo.said, "http-socket");
    // A deno.json with comments takes a library.
    const script = directory.write("app/app.ts", `import { x } from "x";\nconsole.log(x);`);
    directory.write("app/x.ts", "export const x = 1;");
    directory.write("app/deno.json", `{ "imports": { "x": "./x.ts" } /* a comment */ }`);
    const check = await deno(
      [...call, "--check", "--socket=:0", `--worker-override=${script}`],
      env,
    );
    assertEquals(check.code, 0, check.said);
  });

  await test.step("it maps what members of a workspace import", async () => {
    const { master, addresses } = await readyMaster({
      ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = %DIR%/member/app.ts",
      files: {
        "deno.json": `{ "workspace": ["./member"] }`,
        "member/deno.json": `{ "imports": { "x": "./x.ts", "uwsgi": "./none.ts" } }`,
        "member/x.ts": `export const x = "member";`,
        "member/app.ts":
          `import { x } from "x";\nimport uwsgi from "uwsgi";\nuwsgi.serve(() => new Response(x));`,
      },
      program,
    });
    await using _running = master;
    assertEquals(await getText(`http://${addresses[0]}/`), "member");
  });

  await test.step("it reloads without loss, with what is loaded later", async () => {
    const ini = (more = "") =>
      `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = reload
chain-reload-verify = 0
worker-reload-mercy = 20
log-requests = true
metric = visits
stats = %DIR%/stats.sock
max-requests = 100000
deno-worker-override = ${LOSS_APP}
${more}`;
    const { master, addresses } = await readyMaster({ ini: ini(), program });
    await using running = master;
    const mix = { "close": 2, "keep-alive": 2, "post": 1, "websocket": 1 };
    await reloadUnderLoad(running, addresses[0] ?? "", mix, 2);
    running.writeIni(ini("umask = 027"));
    assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
    const ask = ["ctl", "status", `--pid=${running.pid}`, "--json"];
    const status = await deno(["run", "-A", main, ...ask]);
    assertEquals(status.code, 0, status.said);
    assertEquals(JSON.parse(status.out).generation, 4);
    // The deno.json above the app names the sources, for editors: that is the same module.
    assert(running.events.every(({ message }) => !message.includes("is replaced by")));
    assertEquals(await running.stop(), 0);
  });

  await test.step("what a sandboxed worker finds in it is as locked as the sources are", async () => {
    // All that two preloads and the module share is in the one file that they have in common.
    const [first = [], second = []] = await Promise.all(
      ["preload", "sandbox/preload"].map((name) => loaded(join(top, `lib/worker/${name}.js`))),
    );
    const base =
      first.filter((url) => second.includes(url)).find((url) =>
        basename(url).startsWith("chunk-")
      ) ?? "";
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
processes = 1
allow-net = false
deno-worker-override = app.js
worker-argv = %DIR%/secret.txt
worker-argv = ${directory.at("none.sock")}`,
      files: { "app.js": prisonerIn(base), "secret.txt": "treasure" },
      program,
    });
    await using running = master;
    const outcomes = await getJson<Readonly<Record<string, string>>>(`http://${addresses[0]}/`);
    // What duwsgi's own modules have is in no file that a script could load, or of no use to it.
    for (const [what, outcome] of Object.entries(outcomes)) {
      assertMatch(outcome, /^(NotCapable|[A-Za-z]*Error): /, what);
    }
    assert(Object.keys(outcomes).length > 50);
    assertEquals(Object.values(outcomes).filter((text) => /Cannot assign/.test(text)).length, 2);
    assertEquals(running.read("secret.txt"), "treasure");
  });

  await test.step("the app that init writes knows the types of the module", async () => {
    const app = directory.at("new");
    const { code, out } = await deno(["run", "-A", main, "init", app]);
    assertEquals(code, 0);
    assertStringIncludes(out, main);
    directory.write("new/app.ts", `import uwsgi from "uwsgi";\nuwsgi.serve(() => 404);\n`);
    const { said } = await deno(["check", "--quiet", join(app, "app.ts")]);
    assertStringIncludes(said, "'number' is not assignable to type 'Response");
  });

  await test.step("a directory that has other files is left alone", async () => {
    const path = directory.write("mine/main.js", "console.log(1);");
    const own = directory.write("duwsgi/app.ini");
    const wrong = [
      [dirname(path), /^bundle: \/.*\/mine has other files/],
      [path, /^bundle: Not a directory/],
      [top, /^bundle: \/.*\/duwsgi has other files .* "app\.ini"/],
    ] as const;
    for (const [at, message] of wrong) {
      const { code, said } = await bundle(at);
      assertEquals(code, 1);
      assertMatch(said, message);
    }
    assertEquals(Deno.readTextFileSync(path), "console.log(1);");
    assertEquals(Deno.readTextFileSync(own), "");
  });
});

/** The script that tries everything, with what there is in a file of the bundle, instead of the sources. */
function prisonerIn(url: string): string {
  const sources = /^import \{ ([^}]+) \} from "\.\.\/\.\.\/\.\.\/lib\/[^"]*";\n/gm;
  const text = Deno.readTextFileSync(PRISONER);
  const names = [...text.matchAll(sources)].flatMap(([, list = ""]) => list.split(", "));
  // What is not in the file does not exist, as in any script.
  const exported = Deno.readTextFileSync(fromFileUrl(url)).split("export {").at(-1) ?? "";
  const there = names.filter((name) => new RegExp(`^\\s+${name}\\b`, "m").test(exported));
  return `import { ${there.join(", ")} } from ${JSON.stringify(url)};\n` +
    text.replaceAll(sources, "");
}
