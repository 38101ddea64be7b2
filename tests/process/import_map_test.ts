/** The merged import map, handed to a real Deno: what a script imports under it and without it. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { mergeImportMaps, replacedUwsgi } from "../../lib/master/deno_project/import_map.ts";
import { importMapFlags } from "../../lib/master/deno_project/import_map_flags.ts";
import { loadJsonParser } from "../../lib/master/deno_project/json_file.ts";
import {
  readScriptLayers,
  type ScriptConfig,
} from "../../lib/master/deno_project/script_config.ts";

await loadJsonParser();

/** Path → content; anything but text is written as JSON. */
type Files = Readonly<Record<string, unknown>>;

interface Project {
  readonly directory: string;
  read(script: string, flags?: readonly string[]): ScriptConfig;
  /** Runs a script, with the merged import map or without, from a directory of its own. */
  run(script: string, merged: boolean, flags?: readonly string[]): Promise<string>;
}

async function withProject(files: Files, use: (project: Project) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const read = (script: string, flags: readonly string[] = []) =>
    readScriptLayers(`${directory}/app/${script}`, importMapFlags(flags));
  const run = async (script: string, merged: boolean, flags: readonly string[] = []) => {
    const uwsgi = `file://${directory}/duwsgi/uwsgi.ts`;
    const mapFile = `${directory}/run/map.json`;
    const map = mergeImportMaps(read(script, flags).layers, uwsgi, `file://${mapFile}`);
    await Deno.writeTextFile(mapFile, JSON.stringify(map));
    const own = merged ? [...importMapFlags(flags).rest, "--import-map", mapFile] : flags;
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", ...own, `${directory}/app/${script}`],
      cwd: `${directory}/run`,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return (decoder.decode(output.stdout) + decoder.decode(output.stderr)).trim();
  };
  try {
    await Deno.mkdir(`${directory}/run`);
    const all: Files = { "../duwsgi/uwsgi.ts": 'export default "uwsgi!";', ...files };
    for (const [path, content] of Object.entries(all)) {
      const file = new URL(`file://${directory}/app/${path}`).pathname;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(file, text);
    }
    await use({ directory, read, run });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A module whose default export tells which one it is. */
function says(name: string): string {
  return `export default "${name}";\n`;
}

/** A script that prints the default exports of some specifiers. */
function prints(...specifiers: string[]): string {
  const lines = specifiers.map((specifier, i) => `import v${i} from "${specifier}";`);
  return `${lines.join("\n")}\nconsole.log(${specifiers.map((_, i) => `v${i}`).join(", ")});\n`;
}

const STD = "npm:deno-std@1.4.0";

interface Case {
  readonly name: string;
  readonly files: Files;
  readonly script?: string;
  /** Deno's flags; `@` stands for the project's directory. */
  readonly flags?: readonly string[];
  readonly specifiers: readonly string[];
  readonly expected: string;
}

const CASES: readonly Case[] = [
  {
    name: "there is no configuration",
    files: { "a.ts": says("a") },
    specifiers: ["./a.ts"],
    expected: "a",
  },
  {
    name: "a deno.jsonc above the script maps files, directories and scopes",
    files: {
      "deno.jsonc": `{ // comment
        "imports": { "x": "./x.ts", "@/": "./lib/", "./lib/old.ts": "./x.ts", },
        "scopes": { "./src/": { "s": "./lib/s.ts" } } }`,
      "x.ts": says("x"),
      "lib/l.ts": says("l"),
      "lib/s.ts": says("s"),
    },
    script: "src/main.ts",
    specifiers: ["x", "@/l.ts", "../lib/old.ts", "s"],
    expected: "x l x s",
  },
  {
    name: "packages are imported by subpath",
    files: {
      "deno.json": { imports: { std: STD } },
      "a.ts": `import { assert } from "std/assert/mod.js"; export default typeof assert;`,
    },
    specifiers: ["./a.ts"],
    expected: "function",
  },
  {
    name: "importMap names a file elsewhere",
    files: {
      "deno.json": { importMap: "./maps/map.json" },
      "maps/map.json": { imports: { x: "./x.ts" } },
      "maps/x.ts": says("x"),
    },
    specifiers: ["x"],
    expected: "x",
  },
  {
    name: "a workspace member and its root both map",
    files: {
      "deno.json": {
        workspace: ["./packages/*"],
        imports: { x: "./root.ts", r: "./root.ts" },
        scopes: { "./packages/a/": { s: "./scoped.ts" } },
      },
      "root.ts": says("root"),
      "scoped.ts": says("scoped"),
      "packages/a/deno.json": { imports: { x: "./a.ts", "@/": "./lib/" } },
      "packages/a/a.ts": says("a"),
      "packages/a/lib/l.ts": says("l"),
      "packages/b/deno.json": {
        name: "@t/b",
        version: "1.0.0",
        exports: "./b.ts",
        imports: { x: "./x.ts" },
      },
      "packages/b/b.ts": `export { default } from "x";`,
      "packages/b/x.ts": says("b"),
    },
    script: "packages/a/main.ts",
    specifiers: ["x", "r", "s", "@/l.ts", "@t/b"],
    expected: "a root scoped l b",
  },
  {
    name: "the flags name another configuration",
    files: { "other/conf.json": { imports: { x: "./x.ts" } }, "other/x.ts": says("other") },
    flags: ["--config", "@/other/conf.json"],
    specifiers: ["x"],
    expected: "other",
  },
  {
    name: "the flags name an import map, which replaces the imports of deno.json",
    files: {
      "deno.json": { imports: { x: "./x.ts" } },
      "maps/m.json": { imports: { x: "./m.ts" } },
      "maps/m.ts": says("map"),
    },
    flags: ["--import-map=@/maps/m.json"],
    specifiers: ["x"],
    expected: "map",
  },
  {
    name: "compiler options and dependencies of a package.json apply",
    files: {
      "deno.json": { nodeModulesDir: "manual", compilerOptions: { jsx: "react", jsxFactory: "h" } },
      "package.json": { dependencies: { dep: "1.0.0" } },
      "node_modules/dep/package.json": { name: "dep", version: "1.0.0", main: "main.cjs" },
      "node_modules/dep/main.cjs": `module.exports = "dep";`,
      "a.jsx": `const h = (tag) => tag; export default <jsx-tag />;`,
    },
    specifiers: ["dep", "./a.jsx"],
    expected: "dep jsx-tag",
  },
  {
    name: "packages are linked",
    files: {
      "deno.json": { links: ["../pkg"], imports: { "@t/pkg": "jsr:@t/pkg@1" } },
      "../pkg/deno.json": {
        name: "@t/pkg",
        version: "1.0.0",
        exports: "./mod.ts",
        imports: { inner: "./inner.ts" },
      },
      "../pkg/mod.ts": `export { default } from "inner";`,
      "../pkg/inner.ts": says("linked"),
    },
    specifiers: ["@t/pkg"],
    expected: "linked",
  },
];

for (const { name, files, script = "main.ts", flags = [], specifiers, expected } of CASES) {
  Deno.test(`mergeImportMaps() resolves what deno run does, and uwsgi, when ${name}`, async () => {
    const plain = { ...files, [script]: prints(...specifiers) };
    const withUwsgi = script.replace("main.ts", "uwsgi_main.ts");
    const all = { ...plain, [withUwsgi]: prints(...specifiers, "uwsgi") };
    await withProject(all, async (project) => {
      const given = flags.map((flag) => flag.replace("@", `${project.directory}/app`));
      assertEquals(await project.run(script, false, given), expected);
      assertEquals(await project.run(withUwsgi, true, given), `${expected} uwsgi!`);
    });
  });
}

Deno.test("mergeImportMaps() lets uwsgi win, when root, scopes and member map it for an editor", async () => {
  const files = {
    "deno.json": {
      workspace: ["./a"],
      imports: { uwsgi: "./mine.ts" },
      scopes: { "./a/src/": { uwsgi: "./mine.ts" } },
    },
    "mine.ts": says("mine"),
    "a/deno.json": { imports: { uwsgi: "./mine.ts", x: "./x.ts" } },
    "a/mine.ts": says("mine"),
    "a/x.ts": says("x"),
    "a/src/main.ts": prints("uwsgi", "x"),
    "main.ts": prints("uwsgi"),
  };
  await withProject(files, async ({ directory, read, run }) => {
    assertEquals(await run("a/src/main.ts", true), "uwsgi! x");
    assertEquals(await run("main.ts", true), "uwsgi!");
    assertEquals(replacedUwsgi(read("a/src/main.ts").layers), [
      `file://${directory}/app/deno.json`,
      `file://${directory}/app/a/deno.json`,
    ]);
  });
});

Deno.test("mergeImportMaps() leaves the lock file in force, when the script has one", async () => {
  const files = { "deno.json": { imports: { std: STD } }, "main.ts": prints("./a.ts", "uwsgi") };
  const script = `import { assert } from "std/assert/mod.js"; export default typeof assert;`;
  await withProject({ ...files, "a.ts": script }, async ({ directory, run }) => {
    assertEquals(await run("main.ts", true), "function uwsgi!");
    const lock = await Deno.readTextFile(`${directory}/app/deno.lock`);
    assertStringIncludes(lock, STD);
    assertEquals(await run("main.ts", true, ["--frozen"]), "function uwsgi!");
    await Deno.writeTextFile(`${directory}/app/deno.lock`, '{"version":"5"}');
    assertStringIncludes(await run("main.ts", true, ["--frozen"]), "The lockfile is out of date");
  });
});

Deno.test("readScriptLayers() stops at the nearest project, when it is no workspace member", async () => {
  const files = {
    "deno.json": { workspace: ["./a"], imports: { x: "./x.ts" } },
    "a/deno.json": {},
    "b/package.json": { name: "b" },
    "c/deno.json": { imports: { c: "./c.ts" } },
    "c/sub/deep/main.ts": "",
  };
  await withProject(files, ({ directory, read }) => {
    const found = (script: string, flags: readonly string[] = []) => {
      const { layers, configFile } = read(script, flags);
      return [configFile?.slice(directory.length), ...layers.map((l) => Object.keys(l.imports)[0])];
    };
    assertEquals(found("main.ts"), ["/app/deno.json", "x"]);
    assertEquals(found("a/main.ts"), ["/app/a/deno.json", "x"]);
    assertEquals(found("b/main.ts"), [undefined]);
    assertEquals(found("c/sub/deep/main.ts"), ["/app/c/deno.json", "c"]);
    assertEquals(found("c/main.ts", ["--no-config"]), [undefined]);
    assertEquals(found("c/main.ts", ["-c", `${directory}/app/a/deno.json`]), [
      "/app/a/deno.json",
      "x",
    ]);
    return Promise.resolve();
  });
});

Deno.test("readScriptLayers() names file and fault, when a configuration cannot be used", async () => {
  const cases: readonly [files: Files, flags: string[], message: string][] = [
    [{ "deno.json": '{\n"imports": {"x" "y"}\n}' }, [], "app/deno.json:2: correct that line"],
    [{ "deno.json": "[]" }, [], 'app/deno.json": its top level must be an object'],
    [{ "deno.json": { imports: [] } }, [], "Cannot use imports of"],
    [{ "deno.json": { scopes: { "./a/": 1 } } }, [], 'Cannot use scopes["./a/"] of'],
    [{ "deno.json": { importMap: "./nope.json" } }, [], "app/nope.json"],
    [{ "deno.json": { importMap: "https://a.b/m.json" } }, [], "it must be a local file"],
    [{}, ["--import-map", "data:application/json,{}"], "(--import-map): it must be a local file"],
    [{}, ["--config", "/nonexistent/c.json"], '"/nonexistent/c.json" (--config)'],
  ];
  for (const [files, flags, message] of cases) {
    await withProject({ "main.ts": "", ...files }, ({ read }) => {
      assertThrows(() => read("main.ts", flags), Error, message);
      return Promise.resolve();
    });
  }
});
