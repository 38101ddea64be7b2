/** The binary, run by `deno run` as far as that is the same; compiled, where that is possible. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const program = { deno: Deno.execPath(), main: `${ROOT}binary.ts` };

const APP = `import uwsgi, { worker_id } from "uwsgi";
import { greeting } from "./lib/greeting.ts";
const words: readonly string[] = [greeting, ...Deno.args];
uwsgi.serve(() => new Response(words.join(" ") + " " + worker_id()));`;

Deno.test("the binary runs scripts from disk: serve, chain reload, and a new program", async () => {
  const ini = (processes: number, more = "") =>
    `chdir = %DIR%\nhttp-socket = 127.0.0.1:0\nprocesses = ${processes}
worker-argv = dear\nworker-argv = worker\ntouch-chain-reload = reload
chain-reload-verify = 0.1\ndeno-worker-override = app.ts\n${more}`;
  const { master, addresses } = await readyMaster({
    ini: ini(2),
    files: { "app.ts": APP, "lib/greeting.ts": `export const greeting = "hello";` },
    program,
  });
  await using running = master;
  const text = () => getText(`http://${addresses[0]}/`);
  assertMatch(await text(), /^hello dear worker [12]$/);
  running.write({ "lib/greeting.ts": `export const greeting: string = "goodbye";` });
  running.touch("reload");
  await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
  assertMatch(await text(), /^goodbye dear worker [12]$/);
  const from = running.events.length;
  running.writeIni(ini(2, "umask = 027"));
  running.signal("SIGHUP");
  await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done", from);
  assertMatch(await text(), /^goodbye dear worker [12]$/);
  // No worker was run by a deno run of its own.
  for (const pid of running.acceptingPids().values()) {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    assert(words.includes(program.main) && !words.includes("app.ts"), words.join(" "));
  }
  assertEquals(await running.stop(), 0);
});

Deno.test("the binary serves what exports { fetch }, and says where things are that are inside", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-argv = $(DUWSGI_EMBEDDED)/examples
deno-worker-override = %DIR%/app.ts`,
    files: {
      "app.ts": `const text = [Deno.args[0], Deno.env.get("DUWSGI_EMBEDDED")].join(" ");
        export default { fetch: () => new Response(text) };`,
    },
    program,
  });
  await using _running = master;
  const root = ROOT.replace(/\/$/, "");
  assertEquals(await getText(`http://${addresses[0]}/`), `${root}/examples ${root}`);
});

Deno.test("the binary names errors of scripts, and what it cannot do", async () => {
  await using broken = startMaster({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 1\ndeno-worker-override = %DIR%/app.ts",
    files: { "app.ts": `\nthrow new Error("no database");` },
    program,
  });
  assertEquals(await broken.exitCode(), 4);
  const log = broken.events.map(({ message }) => message).join("\n");
  assertMatch(log, /Error: no database \(\/.*app\.ts:2:7\)/);
  await using flags = startMaster({
    ini: "socket = :0\ndeno-worker-override = %DIR%/app.ts\ndeno-flag = --allow-net",
    files: { "app.ts": "" },
    program,
  });
  assertEquals(await flags.exitCode(), 2);
  assertStringIncludes(flags.output.join("\n"), "A compiled duwsgi cannot do what deno-flag says");
});

/** Where `deno compile` finds the runtime that it needs; null: it would have to be downloaded. */
function denort(): string | null {
  const own = Deno.env.get("DENORT_BIN");
  if (own !== undefined) return own;
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string };
  const path = `${denoDir}/dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  try {
    return Deno.statSync(path).isFile ? path : null;
  } catch {
    return null;
  }
}

/** What `deno task compile` says. */
async function compile(output: string, env: Record<string, string> = {}): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", "--output", output, "--include", "examples/hello"],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert(success, text);
  return text;
}

Deno.test("deno task compile embeds what is loaded later, the app, and what maps uwsgi", async () => {
  using directory = new TempDirectory();
  // Whatever program it is: what is compiled in is put behind it.
  const said = await compile(directory.at("duwsgi"), {
    DENORT_BIN: Deno.realPathSync("/bin/true"),
  });
  for (
    const part of ["binary.ts", "deno.json", "examples/hello/*", "lib/*", "@logtape/logtape/*"]
  ) {
    assertStringIncludes(said, `─ ${part} `);
  }
});

const runtime = denort();
const skipped = runtime === null ? " (skipped: no denort in Deno's cache, see docs/binary.md)" : "";

Deno.test({
  name: `a compiled duwsgi is master and worker${skipped}`,
  ignore: runtime === null,
  fn: async () => {
    using directory = new TempDirectory();
    const binary = directory.at("duwsgi");
    await compile(binary);
    const script = directory.write("app.ts", APP);
    directory.write("lib/greeting.ts", `export const greeting: string = "hello";`);
    for (const app of [script, "$(DUWSGI_EMBEDDED)/examples/hello/app.ts"]) {
      const run = await new Deno.Command(binary, {
        args: ["--smoke", "--http-socket=127.0.0.1:0", "--processes=2", `--worker-override=${app}`],
      }).output();
      assertEquals(run.code, 0, new TextDecoder().decode(run.stderr));
    }
  },
});
