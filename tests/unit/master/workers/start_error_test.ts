/** What Deno prints when a script cannot start. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { StartErrorFinder } from "../../../../lib/master/workers/start_error.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

function found(text: string): string | null {
  const finder = new StartErrorFinder();
  for (const line of text.split("\n")) finder.line(line);
  return finder.error;
}

Deno.test("error is null, when nothing looks like an error", () => {
  assertEquals(found(""), null);
  assertEquals(found("Listening\nwarning: error: not at the start of the line\nerror:\n"), null);
});

Deno.test("error is the first error with the first place below it", () => {
  const text = "Check app.ts\nerror: Uncaught (in promise) Error: no\n    throw new Error();\n" +
    "          ^\n    at f (file:///srv/app.ts:2:9)\n    at file:///srv/main.ts:1:1\n" +
    "error: Uncaught Error: second\n    at file:///srv/b.ts:1:1";
  assertEquals(found(text), "Error: no (/srv/app.ts:2:9)");
});

Deno.test("error has no place, when none follows", () => {
  assertEquals(found("error: Module not found.\n"), "Module not found.");
  assertEquals(found("error: x\n    at ext:core/01_core.js:1:2\n    at https://x/y.ts:1:2"), "x");
});

Deno.test("error is the same, when the output has colours", () => {
  const text = "\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: Uncaught Error: no\n" +
    "    at \x1b[0m\x1b[36mfile:///srv/app.ts\x1b[0m:\x1b[0m\x1b[33m2\x1b[0m:\x1b[0m\x1b[33m9\x1b[0m";
  assertEquals(found(text), "Error: no (/srv/app.ts:2:9)");
});

Deno.test("error says how to fill the cache, when something may not be downloaded", () => {
  const npm = 'error: Failed loading https://registry.invalid/x for package "x"\n' +
    '    0: npm package not found in cache: "x", --cached-only is specified.\n' +
    "    at file:///srv/app.ts:1:15";
  const remote =
    'error: Specifier not found in cache: "https://x.invalid/a.ts", --cached-only is specified.';
  for (const [text, name] of [[npm, "x"], [remote, "https://x.invalid/a.ts"]] as const) {
    assertStringIncludes(found(text) ?? "", `"${name}" is not in Deno's cache`);
    assertStringIncludes(found(text) ?? "", "deno cache SCRIPT");
  }
  assertStringIncludes(found(npm) ?? "", "(/srv/app.ts:1:15)");
});

Deno.test("line() throws nothing, whatever a worker prints", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (lines) => {
    found(lines.join("\n"));
  }));
});

Deno.test("error names file and line, for every way in which a real script fails", async () => {
  using directory = new TempDirectory();
  const scripts: readonly [name: string, text: string, error: RegExp][] = [
    ["syntax.ts", "const x = 1;\nconst = 2;\n", /\(?\/.*syntax\.ts:2:\d+\)?$/],
    [
      "throws.ts",
      '\nthrow new Error("no database");\n',
      /^Error: no database \(\/.*throws\.ts:2:7\)$/,
    ],
    [
      "rejects.ts",
      '\nawait Promise.reject(new TypeError("no"));\n',
      /^TypeError: no \(\/.*rejects\.ts:2:22\)$/,
    ],
    ["import.ts", '\nimport "./none.ts";\n', /none\.ts.*\(\/.*import\.ts:2:8\)$/],
  ];
  for (const [name, text] of scripts) directory.write(name, text);
  const runs = scripts.map(async ([name, , error]) => {
    const args = ["run", "-A", "--no-config", directory.at(name)];
    const { stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null" }).output();
    const text = new TextDecoder().decode(stderr);
    const first = found(text) ?? "";
    assertEquals(error.test(first), true, `${name}: ${first}\n${text}`);
  });
  await Promise.all(runs);
});

Deno.test("error is short, however long the line was", () => {
  assertEquals((found(`error: ${"x".repeat(100_000)}`) ?? "").length < 1_000, true);
});
