/** What sandboxed workers reach without a permission, or in spite of one that they lack. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getJson, getText } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const serving = (code: string) =>
  `import uwsgi from "uwsgi";
uwsgi.serve(async () => { try { ${code} } catch (error) { return new Response(String(error)); } });`;

Deno.test("a worker that may read duwsgi's files and not call functions stays", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-net = true
allow-read = true
deno-worker-override = app.ts`,
    files: { "app.ts": serving(`return Response.json([Deno.pid, performance.now()]);`) },
  });
  await using running = master;
  const pid = running.acceptingPids().get(1);
  // Its faster clock is asked for one second after the start.
  await running.until(async () => {
    const [now, age] = await getJson<[number, number]>(`http://${addresses[0]}/`);
    assertEquals(now, pid);
    return age > 1_500;
  }, "second of a worker's life");
  assertEquals(running.count("exited"), 0);
});

Deno.test("nothing is downloaded by a sandbox, and one line says how to fill the cache", async () => {
  const ini = `http-socket = 127.0.0.1:0\nallow-net = true\ndeno-worker-override = app.ts`;
  const missing = "npm:duwsgi-no-such-package@1.0.0";
  const { master, addresses } = await readyMaster({
    ini,
    files: { "app.ts": serving(`const name = "${missing}"; await import(name);`) },
  });
  await using _running = master;
  assertStringIncludes(await getText(`http://${addresses[0]}/`), "--cached-only is specified");
  await using failing = startMaster({ ini, files: { "app.ts": `import "${missing}";` } });
  assert(await failing.exitCode() !== 0);
  const said = failing.events.map((event) => event.message).join("\n");
  assertMatch(said, /"duwsgi-no-such-package[^"]*" is not in Deno's cache.*run deno cache SCRIPT/);
});

Deno.test("a sandbox may read the folder that temporary files are in, and not its master's", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-read = %DIR%/alias
allow-write = %DIR%/alias
deno-worker-override = app.ts`,
    files: {
      "app.ts": serving(`
const found = [...Deno.readDirSync(Deno.args[0] ?? "alias")].map(({ name }) => name);
return new Response([...found, Deno.readTextFileSync("alias/text")].join(" "));`),
      "text": "uploaded",
    },
    launcher: ["sh", "-c", 'ln -s . alias; exec "$@"', "sh"],
  });
  await using _running = master;
  const answer = await getText(`http://${addresses[0]}/`);
  assertStringIncludes(answer, "uploaded");
  assert(!answer.includes("duwsgi-"), answer);
});

Deno.test("a worker is not started with an import map that a worker has changed", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-read = true
allow-write = true
deno-worker-override = app.ts`,
    files: {
      "app.ts": serving(`
const own = [...Deno.readDirSync(".")].find(({ name }) => name.startsWith("duwsgi-")).name;
Deno.writeTextFileSync(own + "/import_map_1.json", '{ "imports": {} }');
return new Response("changed");`),
    },
  });
  await using running = master;
  assertEquals(await getText(`http://${addresses[0]}/`), "changed");
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  await running.until(
    () => running.events.some(({ message }) => /import_map_1.json is not what/.test(message)),
    "refusal of the import map",
  );
});

Deno.test("no debugger of its own process, no storage in Deno's directory", async () => {
  const code = `
const outcomes = [typeof localStorage, typeof caches, typeof sessionStorage, "gpu" in navigator];
const inspector = await import("node:inspector");
try {
  new inspector.Session().connect();
  outcomes.push("connected");
} catch (error) {
  outcomes.push(error.name);
}
return Response.json(outcomes);`;
  const outcomes = async (options: string) => {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0\n${options}\ndeno-worker-override = app.ts`,
      files: { "app.ts": serving(code) },
    });
    await using running = master;
    const pid = running.acceptingPids().get(1);
    const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
      try {
        return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`)];
      } catch {
        return [];
      }
    });
    assertEquals(open.filter((path) => path.includes("v8_code_cache")), []);
    return await getJson<readonly unknown[]>(`http://${addresses[0]}/`);
  };
  const none = ["undefined", "undefined", "undefined", false, "NotCapable"];
  assertEquals(await outcomes("allow-net = false"), none);
  assertEquals(await outcomes("allow-sys = true"), none);
  const [storage, cache] = await outcomes("allow-write = true");
  assertEquals([storage, cache], ["object", "object"]);
});

Deno.test("allow-sys = inspector is refused in one line", async () => {
  await using master = startMaster({
    ini: `http-socket = 127.0.0.1:0\nallow-sys = hostname,inspector\ndeno-worker-override = app.ts`,
    files: { "app.ts": "" },
  });
  assert(await master.exitCode() !== 0);
  const said = master.events.filter(({ message }) => message.includes("allow-sys = inspector"));
  assertEquals(said.length, 1);
});
