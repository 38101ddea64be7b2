/** The command line of a worker. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../../lib/config/config.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import {
  loadSandbox,
  type WorkerCommand,
  workerCommand,
} from "../../../../lib/master/workers/worker_command.ts";
import { loadJsonParser } from "../../../../lib/master/deno_project/json_file.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

function command(directory: TempDirectory, config: Partial<Config>, generation = 1): WorkerCommand {
  const script = directory.at("app/app.ts");
  return workerCommand({ ...defaults(), script, ...config }, String(generation), directory.path);
}

/** The flags about permissions. */
function permissions(flags: readonly string[]): readonly string[] {
  using directory = new TempDirectory();
  const { args } = command(directory, { denoFlags: flags });
  return args.filter((arg) => /^(-A|-[PRWNESI]$|--no-prompt|--(allow|deny|ignore)-)/.test(arg))
    .map((arg) => arg.replaceAll(directory.path, "DIR"));
}

Deno.test("workerCommand() runs the script with preload and import map, its arguments last", () => {
  using directory = new TempDirectory();
  const { args } = command(directory, {
    workerArgv: ["--port", "1", "a b"],
    denoFlags: ["--v8-flags=-x"],
  });
  const [run, ...flags] = args;
  assertEquals(run, "run");
  assertEquals(args.slice(-4), [directory.at("app/app.ts"), "--port", "1", "a b"]);
  assert(flags.includes(`--import-map=${directory.at("import_map_1.json")}`));
  assert(flags.includes("--v8-flags=-x") && flags.includes("--unstable-net"));
  const preload = flags.find((flag) => flag.startsWith("--preload="))?.slice("--preload=".length);
  assert(Deno.statSync(preload ?? "").isFile);
  assert(flags.indexOf("--v8-flags=-x") < flags.indexOf(directory.at("app/app.ts")));
});

Deno.test("workerCommand() writes one import map per generation, with the uwsgi module in it", () => {
  using directory = new TempDirectory();
  directory.write("app/deno.json", '{ "imports": { "lib/": "./lib/" } }');
  command(directory, {}, 1);
  directory.write("app/deno.json", '{ "imports": { "lib/": "./newer/" } }');
  command(directory, {}, 2);
  const targets = [1, 2].map((generation) => {
    const text = Deno.readTextFileSync(directory.at(`import_map_${generation}.json`));
    const { imports } = JSON.parse(text) as { imports: Record<string, string> };
    assert(imports.uwsgi?.endsWith("/lib/worker/uwsgi.ts"));
    return imports["lib/"]?.slice(-"app/newer/".length);
  });
  assertEquals(targets[1], "app/newer/");
  assert(targets[0]?.endsWith("/lib/"));
});

Deno.test("workerCommand() says that it replaces the script's own uwsgi, when there is one", () => {
  using directory = new TempDirectory();
  assertEquals(command(directory, {}).notes, []);
  directory.write("app/deno.json", '{ "imports": { "uwsgi": "./my_uwsgi.ts" } }');
  const { notes } = command(directory, {});
  assertEquals(notes.length, 1);
  assert(notes[0]?.includes("app/deno.json"));
});

Deno.test("workerCommand() names the file, when the script's configuration is broken", async () => {
  using directory = new TempDirectory();
  directory.write("app/deno.json", "{\n  broken\n}");
  await loadJsonParser();
  assertThrows(() => command(directory, {}), Error, directory.at("app/deno.json:2"));
});

Deno.test("workerCommand() sets the environment in order: a later value wins", () => {
  using directory = new TempDirectory();
  const { env } = command(directory, { env: [["A", "1"], ["B", "x=y"], ["A", "2"]] });
  assertEquals(env, { A: "2", B: "x=y" });
});

Deno.test("workerCommand() lets workers do everything, when no flag restricts them", () => {
  assertEquals(permissions([]), ["--allow-all"]);
  assertEquals(permissions(["--no-prompt"]), ["--allow-all", "--no-prompt"]);
  assertEquals(permissions(["--deny-run"]), ["--allow-all", "--deny-run"]);
  assertEquals(permissions(["-A"]), ["-A"]);
  assertEquals(permissions(["--allow-all", "--deny-env"]), ["--allow-all", "--deny-env"]);
});

Deno.test("workerCommand() adds what a worker needs to reach the master, when a flag restricts it", () => {
  assertEquals(permissions(["--allow-sys"]), [
    "--no-prompt",
    "--allow-read=DIR",
    "--allow-write=DIR",
    "--allow-net=unix:DIR/control.sock,127.0.0.1:0",
    "--allow-env=DUWSGI_WORKER",
    "--allow-sys",
  ]);
});

Deno.test("workerCommand() takes no permission away for a flag that gives none", () => {
  for (const flag of ["--allow-scripts", "--allow-scripts=npm:sqlite3", "--unstable-kv"]) {
    assertEquals(permissions([flag])[0], "--allow-all", flag);
  }
});

Deno.test("workerCommand() reads letters that stand together", () => {
  const narrowed = (flag: string) => permissions([flag]).map((arg) => arg.replace(/=.*/, ""));
  assertEquals(narrowed("-RN"), ["--no-prompt", "--allow-write", "--allow-env"]);
  assertEquals(narrowed("-RNE"), ["--no-prompt", "--allow-write"]);
  assertEquals(permissions(["-NR=/etc"])[1], "--allow-read=DIR");
  assertEquals(permissions(["-qA"]), []);
});

Deno.test("workerCommand() keeps what a permission set says of a kind that a worker needs more of", async () => {
  using directory = new TempDirectory();
  directory.write(
    "app/deno.json",
    '{ "permissions": { "web": { "net": true, "read": ["/etc"], "write": { "deny": ["/var"] } } } }',
  );
  const config = { denoFlags: ["-P=web"], script: directory.at("app/app.ts") };
  await loadSandbox({ ...defaults(), ...config });
  const { args } = command(directory, config);
  const flags = args.filter((arg) => /^--(allow|deny)-/.test(arg)).map((arg) =>
    arg.replaceAll(directory.path, "DIR")
  );
  assertEquals(flags, [
    "--allow-read=/etc,DIR",
    "--allow-write=DIR",
    "--deny-write=/var",
    "--allow-env=DUWSGI_WORKER",
  ]);
});

Deno.test("workerCommand() leaves a permission as wide as it is, when a flag gives all of it", () => {
  // Deno takes `--allow-net --allow-net=x` for `--allow-net=x`.
  for (
    const [name, letter] of [["net", "-N"], ["read", "-R"], ["write", "-W"], ["env", "-E"]] as const
  ) {
    for (const flag of [`--allow-${name}`, letter]) {
      const narrowed = permissions([flag]).filter((arg) => arg.startsWith(`--allow-${name}=`));
      assertEquals(narrowed, [], flag);
    }
  }
});
