/** The rules of the source as a whole, which no single module can keep. */
import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, relative } from "@std/path/posix";
import { NAME } from "../tools/bundle.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const MOST_LINES = 400;

/** Tables may be longer: what is in them belongs together. */
const TABLES = ["lib/config/options.ts"];

/** All files below a folder with this ending, as paths from the root. */
function filesBelow(folder: string, ending = ".ts"): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return filesBelow(path, ending);
    return path.endsWith(ending) ? [path] : [];
  }).sort();
}

const SOURCES: readonly string[] = ["main.ts", "binary.ts", ...filesBelow("lib")];
const TEXTS: ReadonlyMap<string, string> = new Map(
  SOURCES.map((path) => [path, Deno.readTextFileSync(ROOT + path)]),
);

function textOf(path: string): string {
  return TEXTS.get(path) ?? "";
}

/** One import of a module. */
interface Import {
  /** As written. */
  readonly specifier: string;
  /** The imported module as a path from the root; null: it is none of ours. */
  readonly path: string | null;
  /** True if nothing of it is there at run time. */
  readonly typeOnly: boolean;
  /** True if it is loaded when it is asked for. */
  readonly dynamic: boolean;
}

/** What a module imports, as the compiler reports it, and how: types only, or values too. */
async function importGraph(): Promise<ReadonlyMap<string, readonly Import[]>> {
  const args = ["info", "--json", "--no-remote", ROOT + "main.ts"];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  const known = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: readonly { readonly specifier: string; readonly error?: string }[];
  };
  assertEquals(known.modules.filter((module) => module.error !== undefined), []);
  return new Map(SOURCES.map((path) => [path, importsOf(path)]));
}

const IMPORT = /^(?:import|export)\s+(type\s+)?(?:([^;"']*?)\s+from\s+)?"([^"]+)"/gm;
const DYNAMIC = /(typeof )?\bimport\(\s*"([^"]+)"\s*\)/g;

function importsOf(path: string): readonly Import[] {
  const text = textOf(path);
  const found: Import[] = [];
  for (const [, type, names = "", specifier = ""] of text.matchAll(IMPORT)) {
    const typeOnly = type !== undefined || onlyTypes(names);
    found.push({ ...importOf(path, specifier), typeOnly, dynamic: false });
  }
  for (const [, type, specifier = ""] of withoutComments(text).matchAll(DYNAMIC)) {
    // The type of a module of ours stands for a lazyImport().
    const typeOnly = type !== undefined && !specifier.startsWith(".");
    found.push({ ...importOf(path, specifier), typeOnly, dynamic: true });
  }
  return found;
}

/** `{ type A, type B }` imports nothing at run time, and `{}` or no names do. */
function onlyTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/s.exec(names)?.[1]?.split(",").map((name) => name.trim());
  const present = list?.filter((name) => name !== "") ?? [];
  return present.length > 0 && present.every((name) => name.startsWith("type "));
}

function importOf(path: string, specifier: string): Pick<Import, "specifier" | "path"> {
  const target = specifier.startsWith(".") && specifier.endsWith(".ts")
    ? relative(ROOT, fromFileUrl(new URL(specifier, new URL(`file://${ROOT}${path}`))))
    : null;
  return { specifier, path: target };
}

const GRAPH = await importGraph();

function imports(path: string): readonly Import[] {
  return GRAPH.get(path) ?? [];
}

/** The modules that may be there at run time when a module is loaded, itself included. */
function reachable(from: readonly string[]): ReadonlySet<string> {
  return closure(from, ({ typeOnly }) => !typeOnly);
}

/** Those that are loaded together with these modules, these included. */
function loadedWith(from: readonly string[]): ReadonlySet<string> {
  return closure(from, ({ typeOnly, dynamic }) => !typeOnly && !dynamic);
}

function closure(from: readonly string[], follow: (one: Import) => boolean): ReadonlySet<string> {
  const seen = new Set<string>(from);
  for (const path of seen) {
    for (const one of imports(path)) {
      if (one.path !== null && follow(one)) seen.add(one.path);
    }
  }
  return seen;
}

Deno.test("imports are found in every module that has any, and lead to files that are there", () => {
  for (const path of SOURCES) {
    const written = withoutComments(textOf(path)).match(/\bfrom "/g)?.length ?? 0;
    assert(
      imports(path).length >= written,
      `${path}: ${imports(path).length} of ${written} imports`,
    );
    for (const { path: target } of imports(path)) {
      if (target !== null) assert(TEXTS.has(target), `${path} imports ${target}`);
    }
  }
});

/**
 * The floors of the house, lowest first. A module imports only from lower floors and from its own folder;
 * folders of one floor do not know each other. Imports of types count, and so do those that are loaded
 * late. `ground` stands for the loose files of `lib`.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["ground"],
  ["system", "shared_memory"],
  ["log"],
  ["protocol"],
  ["core", "worker"],
  ["config", "control", "stats"],
  ["page", "top"],
  ["master"],
  ["instance"],
  ["cli", "api"],
];

/** The folder of `lib` that a module is in; of loose files `ground`. */
function layer(path: string): string {
  const [root, folder = "", name] = path.split("/");
  return root !== "lib" ? "" : name === undefined ? "ground" : folder;
}

function floor(path: string): number {
  return FLOORS.findIndex((folders) => folders.includes(layer(path)));
}

Deno.test("every folder of lib has its floor, and no other", () => {
  const folders = new Set(filesBelow("lib").map(layer));
  assertEquals(FLOORS.flat().sort(), [...folders].sort());
});

Deno.test("no module imports from a floor above its own, or from another folder of its own floor", () => {
  const upwards = filesBelow("lib").flatMap((path) =>
    ours(path)
      .filter((target) => layer(target) !== layer(path) && floor(target) >= floor(path))
      .map((target) => `${path} → ${target}`)
  );
  assertEquals(upwards, []);
});

/** The modules of ours that a module imports, for types or values, at once or later. */
function ours(path: string): readonly string[] {
  return imports(path).flatMap(({ path: target }) => target === null ? [] : [target]);
}

/** What is on a circle of this graph. */
function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  return [...graph.keys()].filter((start) => {
    const seen = new Set(graph.get(start));
    for (const node of seen) {
      for (const next of graph.get(node) ?? []) seen.add(next);
    }
    return seen.has(start);
  });
}

/** The file or folder in `folder` that a module is, or is in; null: it is elsewhere. */
function entryOf(folder: string, path: string): string | null {
  if (!path.startsWith(`${folder}/`)) return null;
  return `${folder}/${path.slice(folder.length + 1).split("/")[0]}`;
}

/** `lib` and all folders below it. */
const FOLDERS: readonly string[] = [
  ...new Set(
    filesBelow("lib").flatMap((path) => {
      const steps = path.split("/").slice(0, -1);
      return steps.map((_, at) => steps.slice(0, at + 1).join("/"));
    }),
  ),
];

Deno.test("no modules import each other in a circle, not even for types", () => {
  assertEquals(circles(new Map(SOURCES.map((path) => [path, new Set(ours(path))]))), []);
});

Deno.test("the files and folders of no folder import each other in a circle", () => {
  for (const folder of FOLDERS) {
    const graph = new Map<string, Set<string>>();
    for (const path of SOURCES) {
      const from = entryOf(folder, path);
      if (from === null) continue;
      const targets = ours(path).flatMap((target) => entryOf(folder, target) ?? []);
      const known = graph.get(from) ?? new Set();
      targets.filter((to) => to !== from).forEach((to) => known.add(to));
      graph.set(from, known);
    }
    assertEquals(circles(graph), [], folder);
  }
});

/** A folder with more files than this shows nothing at first sight. */
const MOST_FILES = 22;

Deno.test("no folder of lib has more files than can be seen at once", () => {
  for (const folder of FOLDERS) {
    const files = SOURCES.filter((path) => dirname(path) === folder);
    assert(files.length <= MOST_FILES, `${folder}: ${files.length} files`);
  }
});

Deno.test("docs/design.md says in a line what each folder of lib is for", () => {
  const design = Deno.readTextFileSync(ROOT + "docs/design.md");
  const named = [...design.matchAll(/^\| `(lib\/[\w/]*)` /gm)].map(([, folder]) => folder);
  assertEquals(named.sort(), FOLDERS.map((folder) => `${folder}/`).sort());
});

Deno.test("lib/core knows nothing but itself and the types of the protocol", () => {
  for (const path of filesBelow("lib/core")) {
    for (const { path: target, typeOnly, specifier } of imports(path)) {
      const allowed = target !== null &&
        (layer(target) === "core" || (layer(target) === "protocol" && typeOnly));
      assert(allowed, `${path} imports ${specifier}`);
    }
  }
});

Deno.test("lib/core reads no clock, waits for nothing and touches nothing", () => {
  const forbidden =
    /\b(Deno\.|async\b|await\b|Promise\b|Date\b|performance\b|setTimeout\b|setInterval\b|Math\.random|console\.)/;
  for (const path of filesBelow("lib/core")) {
    const match = forbidden.exec(withoutComments(textOf(path)));
    assertEquals(match?.[0], undefined, path);
  }
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

Deno.test("lib/master and lib/worker never import each other, not even types", () => {
  for (const path of SOURCES) {
    const other = { master: "worker", worker: "master" }[layer(path)];
    if (other === undefined) continue;
    assertEquals(imports(path).filter(({ path: target }) => target && layer(target) === other), []);
  }
});

Deno.test("everything a worker loads is imported by relative path, whatever the script's import map says", () => {
  const modules = reachable(
    [
      "preload.ts",
      "name_process.ts",
      "metrics/metrics.ts",
      "request_log/preload.ts",
      "tls/preload.ts",
      "sandbox/preload.ts",
      "uwsgi.ts",
    ].map((name) => `lib/worker/${name}`),
  );
  assert(modules.size > 10);
  for (const path of modules) {
    const bare = imports(path).filter(({ specifier, typeOnly }) =>
      !typeOnly && !/^(\.|node:)/.test(specifier)
    );
    assertEquals(bare, [], path);
    assert(floor(path) <= floor("lib/worker/preload.ts"), path);
  }
});

/**
 * What an instance loads that is asked for nothing special. Each module costs 0.15 ms of the start, in
 * every worker too, and memory in the master; so what only some instances need is loaded by those.
 */
const PLAIN_START: Readonly<Record<string, readonly string[]>> = {
  "in the master before its workers are started": ["main.ts"],
  "in the master while its workers start": [
    "lib/instance/reread_config.ts",
    "lib/master/after_start.ts",
  ],
  "in the master when its workers accept": ["lib/master/operators/control_endpoints.ts"],
  "in each worker": ["lib/worker/preload.ts", "lib/worker/uwsgi.ts"],
};

Deno.test("a plain start loads what tests/golden/plain_start.txt names, and nothing else", () => {
  const before = new Set<string>();
  const text = Object.entries(PLAIN_START).map(([where, entries]) => {
    const known = where.startsWith("in the master") ? before : new Set<string>();
    const loaded = [...loadedWith(entries)].filter((path) => !known.has(path)).sort();
    loaded.forEach((path) => known.add(path));
    return [`# ${where}: ${loaded.length}`, ...loaded].join("\n");
  }).join("\n\n");
  const golden = ROOT + "tests/golden/plain_start.txt";
  if (Deno.args.includes("--update")) Deno.writeTextFileSync(golden, text + "\n");
  const advice = "load with import() what only some instances need; else update the list " +
    "(deno test -A tests/architecture_test.ts -- --update), and say in the commit why a start needs it";
  assertEquals(text + "\n", Deno.readTextFileSync(golden), advice);
});

Deno.test("Deno does not see what is loaded later", () => {
  for (const path of SOURCES.filter((path) => path !== "lib/lazy_import.ts")) {
    const text = withoutComments(textOf(path));
    const seen = /(?<!typeof )\bimport\(\s*"\./.exec(text);
    assertEquals(
      seen,
      null,
      `${path} has an import() that should be a lazyImport(), see lib/lazy_import.ts`,
    );
    const calls = /\blazyImport</g;
    const same =
      /\blazyImport<\s*typeof import\("([^"]+)"\)\s*>\(\s*import\.meta\.resolve\("\1"\),?\s*\)/g;
    const [all, good] = [calls, same].map((what) => text.match(what)?.length ?? 0);
    assertEquals(good, all, `${path} calls lazyImport() with the type of another module`);
  }
});

Deno.test("modules name what they load later, or start, so that deno task bundle finds it", () => {
  for (const path of SOURCES) {
    const text = withoutComments(textOf(path));
    const all = text.match(/\bimport\.meta\.(url|resolve)\b/g)?.length ?? 0;
    const named = [...text.matchAll(NAME)].map(([, , name = ""]) => name);
    assertEquals(named.length, path === "binary.ts" ? all - 1 : all, path);
    for (const name of named) Deno.statSync(new URL(name, `file://${ROOT}${path}`));
  }
});

Deno.test("the program names no package, not even one that it loads later: Deno would fetch all of them", () => {
  const bare = SOURCES.flatMap((path) =>
    imports(path).filter(({ path: target, typeOnly }) => target === null && !typeOnly)
      .map(({ specifier }) => `${path} → ${specifier}`)
  );
  const own = / (node:|.*\/deno\.json$|(\.\.\/)+vendor\/[a-z_]+\.js$|\.\/page\.(css|html)$)/;
  // A library's caller and it have to share the library's categories.
  const ofCaller = "lib/api/start_master.ts → @logtape/logtape";
  assertEquals(bare.filter((one) => !own.test(one)), [ofCaller]);
});

Deno.test("nothing in lib imports tests, tools, examples or the bench", () => {
  for (const path of SOURCES) {
    for (const { path: target } of imports(path)) {
      assert(target === null || /^(lib\/|main\.ts$|mod\.ts$)/.test(target), `${path} → ${target}`);
    }
  }
});

Deno.test("files have names that say what is in them", () => {
  const drawers = new Set(["utils", "util", "helpers", "common", "misc", "constants", "index"]);
  for (
    const path of [
      ...SOURCES,
      ...filesBelow("tests"),
      ...filesBelow("tools"),
      ...filesBelow("bench"),
    ]
  ) {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/(_test)?\.ts$/, "");
    assert(!drawers.has(name), path);
    assert(/^[a-z][a-z0-9_]*$/.test(name), path);
  }
});

Deno.test("no file is longer than can be kept in mind, unless it is one table", () => {
  for (
    const path of [
      ...SOURCES,
      ...filesBelow("tests"),
      ...filesBelow("tools"),
      ...filesBelow("bench"),
    ]
  ) {
    if (TABLES.includes(path)) continue;
    const lines = Deno.readTextFileSync(ROOT + path).split("\n").length - 1;
    assert(path.endsWith("_test.ts") || lines <= MOST_LINES, `${path}: ${lines} lines`);
  }
});

Deno.test("only the programs and the worker's way out end the process", () => {
  const exits = SOURCES.filter((path) => /\bDeno\.exit\(/.test(withoutComments(textOf(path))));
  assertEquals(exits, ["main.ts", "binary.ts", "lib/worker/retire.ts"].sort(byPosition));
});

function byPosition(a: string, b: string): number {
  return SOURCES.indexOf(a) - SOURCES.indexOf(b);
}

Deno.test("every module says at its top what it is for", () => {
  for (const path of SOURCES) {
    const comment = /^\/\*\*\n([\s\S]*?)\*\/\n/.exec(textOf(path))?.[1] ?? "";
    assert(/^ \* \S/.test(comment) && /^ \* @module$/m.test(comment), path);
  }
});

Deno.test("every module of master and worker that runs in one process says in which", () => {
  const silent = [...filesBelow("lib/master"), ...filesBelow("lib/worker")].filter((path) =>
    /\bDeno\.(Command|serve|listen|exit|kill|addSignalListener)\b/.test(
      withoutComments(textOf(path)),
    ) &&
    !/Runs in the (master|worker)/.test(textOf(path))
  );
  assertEquals(silent, []);
});

Deno.test("no source has an enum, a default export, a private keyword, or a lint exception", () => {
  const rules: readonly [what: string, expression: RegExp, except: readonly string[]][] = [
    ["enum", /^\s*(export\s+)?(const\s+)?enum\s/m, []],
    // `import uwsgi from "uwsgi"` is what uWSGI's users write.
    ["default export", /^export default\b/m, ["lib/worker/uwsgi.ts"]],
    ["private", /^\s+private\s+(?!constructor)/m, []],
    ["deno-lint-ignore", /deno-lint-ignore/, []],
    ["TODO", /\b(TODO|FIXME|XXX)\b/, []],
  ];
  for (const path of [...SOURCES, ...filesBelow("tests")]) {
    if (path === "tests/architecture_test.ts") continue;
    const text = Deno.readTextFileSync(ROOT + path);
    const code = withoutComments(text);
    for (const [what, expression, except] of rules) {
      const where = what === "TODO" || what === "deno-lint-ignore" ? text : code;
      assert(except.includes(path) || !expression.test(where), `${what} in ${path}`);
    }
  }
});

Deno.test("every lint rule that deno.json names exists: Deno accepts unknown ones without a word", async () => {
  const { lint } = JSON.parse(Deno.readTextFileSync(ROOT + "deno.json")) as {
    lint: { rules: { include?: readonly string[]; exclude?: readonly string[] } };
  };
  const args = ["lint", "--rules", "--json"];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  const { rules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    rules: readonly { readonly code: string }[];
  };
  const known = new Set(rules.map(({ code }) => code));
  assert(known.size > 50);
  const named = [...lint.rules.include ?? [], ...lint.rules.exclude ?? []];
  assertEquals(named.filter((name) => !known.has(name)), []);
});

Deno.test("every unit test is named after the module that it tests", () => {
  /** Second tests of a module, by what they add. */
  const suffix = /_(property|fuzz|loss|golden)$/;
  const libNames = new Set(SOURCES.map((path) => path.slice("lib/".length).replace(/\.ts$/, "")));
  for (
    const folder of [
      "core",
      "log",
      "protocol",
      "shared_memory",
      "system",
      "worker",
      "master",
      "instance",
    ]
  ) {
    for (const path of filesBelow(`tests/unit/${folder}`, "_test.ts")) {
      const name = path.slice("tests/unit/".length).replace(/_test\.ts$/, "").replace(suffix, "");
      assert(libNames.has(name), `${path} tests no module`);
    }
  }
});

Deno.test("every module of core and protocol that decides something has a test", () => {
  for (
    const path of [
      ...filesBelow("lib/core"),
      ...filesBelow("lib/protocol"),
      ...filesBelow("lib/shared_memory"),
    ]
  ) {
    const runs = /^(export\s+)?(async\s+)?(function|class)\s/m.test(withoutComments(textOf(path)));
    const test = path.replace("lib/", "tests/unit/").replace(/\.ts$/, "_test.ts");
    if (runs) assert(filesBelow(dirname(test)).includes(test), `${path} has no test`);
  }
});

Deno.test("every fault of docs/reliability.md names tests, and each of them exists", () => {
  const faults = Deno.readTextFileSync(ROOT + "docs/reliability.md").split("\n")
    .filter((line) => line.startsWith("| ")).slice(2);
  assert(faults.length > 20);
  for (const fault of faults) {
    const named = [...fault.matchAll(/`(\w+_test\.ts)`: "([^"]+)"/g)];
    assert(named.length > 0, `no test: ${fault}`);
    assertEquals(named.length, fault.match(/_test\.ts/g)?.length, fault);
    for (const [, file = "", name = ""] of named) {
      const text = Deno.readTextFileSync(`${ROOT}tests/process/${file}`);
      // A name may end with why the test is skipped.
      const starts = ["Deno.test(", "name: "].flatMap((start) => [`${start}"`, `${start}\``]);
      const ends = [`"`, "${skipped}`"];
      const found = starts.some((start) => ends.some((end) => text.includes(start + name + end)));
      assert(found, `tests/process/${file} has no test "${name}"`);
    }
  }
});
