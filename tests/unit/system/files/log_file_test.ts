/** The log file of a process, which is another one: this one needs its own output. */
import { assertEquals, assertMatch } from "@std/assert";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const LIB = new URL("../../../../lib/system/", import.meta.url).href;

/** Runs the lines with `log` open in an own process, and returns what it printed before. */
async function run(directory: TempDirectory, lines: string): Promise<string> {
  const script = directory.write(
    "script.ts",
    `import { LogFile } from "${LIB}files/log_file.ts";
import { requireLibc } from "${LIB}libc.ts";
console.log("before");
const { file: log } = LogFile.open(requireLibc(), "log");
${lines}`,
  );
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", script],
    cwd: directory.path,
  }).output();
  assertEquals(success, true);
  return new TextDecoder().decode(stdout);
}

function content(directory: TempDirectory): string[][] {
  const names = directory.names.filter((name) => name.startsWith("log"));
  return names.map((name) => [name, Deno.readTextFileSync(directory.at(name))]);
}

Deno.test("LogFile.open() takes all output from then on, behind what is there", async () => {
  using directory = new TempDirectory();
  directory.write("log", "old\n");
  const printed = await run(
    directory,
    `console.log("out");
console.error("error");
Deno.stdout.writeSync(new TextEncoder().encode("by Deno's own duplicate\\n"));`,
  );
  assertEquals(printed, "before\n");
  assertEquals(content(directory), [["log", "old\nout\nerror\nby Deno's own duplicate\n"]]);
});

Deno.test("LogFile.rotate() gives every old file a name of its own, also within a second", async () => {
  using directory = new TempDirectory();
  await run(directory, `for (const i of [1, 2, 3]) { console.log(i); log.rotate(""); }`);
  const files = content(directory);
  for (const [name = ""] of files) assertMatch(name, /^log(\.\d{10}(\.\d)?)?$/);
  assertEquals(files.map(([, text]) => text).sort(), ["", "1\n", "2\n", "3\n"]);
});

Deno.test("LogFile.rotate() replaces the file that it is told to, and undoes what fails", async () => {
  using directory = new TempDirectory();
  await run(
    directory,
    `for (const i of [1, 2]) { console.log(i); log.rotate("log.old"); }
try {
  log.rotate("nowhere/log");
} catch {
  console.log("failed");
}`,
  );
  assertEquals(content(directory), [["log", "failed\n"], ["log.old", "2\n"]]);
});

Deno.test("LogFile.reopen() creates the file that was moved away", async () => {
  using directory = new TempDirectory();
  await run(
    directory,
    `console.log(1);
Deno.renameSync("log", "log.1");
console.log(2);
log.reopen();
console.log(3);`,
  );
  assertEquals(content(directory), [["log", "3\n"], ["log.1", "1\n2\n"]]);
});
