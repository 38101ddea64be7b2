/** The name of the working directory, in a process of its own: this one keeps its directory. */
import { assertEquals } from "@std/assert";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const MODULE = new URL("../../../../lib/system/files/working_directory.ts", import.meta.url).href;

/** Runs the lines in a directory, and returns what they printed, below the test's own directory. */
async function run(
  directory: TempDirectory,
  inside: string,
  pwd: string,
  lines: string,
): Promise<string[]> {
  const script = directory.write(
    "script.ts",
    `import * as directory from ${JSON.stringify(MODULE)};\n${lines}`,
  );
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", script],
    cwd: directory.at(inside),
    env: { PWD: pwd },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const root = Deno.realPathSync(directory.path);
  return new TextDecoder().decode(stdout).replaceAll(root, "ROOT").trim().split("\n");
}

function releases(): TempDirectory {
  const directory = new TempDirectory();
  for (const number of [1, 2]) {
    Deno.mkdirSync(directory.at(`releases/${number}/app`), { recursive: true });
  }
  Deno.symlinkSync("releases/1", directory.at("current"));
  Deno.symlinkSync("releases/1", directory.at("live"));
  return directory;
}

const START = "console.log(directory.startDirectory());";

Deno.test("startDirectory() is the name that the shell has, if it leads here", async () => {
  using directory = releases();
  const name = `${Deno.realPathSync(directory.path)}/live`;
  assertEquals(await run(directory, "live", name, START), ["ROOT/live"]);
  // An old one is left in the environment.
  assertEquals(await run(directory, "releases/2", name, START), ["ROOT/releases/2"]);
});

Deno.test("startDirectory() finds current beside the release, or beside the folder it is in", async () => {
  using directory = releases();
  assertEquals(await run(directory, "releases/1", "", START), ["ROOT/current"]);
  assertEquals(await run(directory, "releases/1/app", "", START), ["ROOT/current/app"]);
  assertEquals(await run(directory, "releases/2", "", START), ["ROOT/releases/2"]);
});

Deno.test("writtenDirectory() keeps the name until the directory is changed in another way", async () => {
  using directory = releases();
  const lines = `directory.startDirectory();
directory.enterDirectory("../../live");
console.log(directory.writtenDirectory(), directory.writtenPath("a/b"), directory.writtenPath("../b"));
Deno.removeSync("../../live");
Deno.symlinkSync("releases/2", "../../live");
directory.followDirectory(Deno.realPathSync(directory.writtenDirectory()));
console.log(directory.writtenDirectory(), Deno.cwd());
Deno.chdir("/");
console.log(directory.writtenDirectory());`;
  assertEquals(await run(directory, "releases/1", "", lines), [
    "ROOT/live ROOT/live/a/b ROOT/releases/b",
    "ROOT/live ROOT/releases/2",
    "/",
  ]);
});
