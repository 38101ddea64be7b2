/**
 * `deno task bundle [DIRECTORY]`: writes duwsgi as JavaScript in few files, into `dist` if nothing else is
 * said. What every start loads is one file in the master and one in each worker; what only some instances
 * need is loaded later, as from the sources. See docs/bundle.md.
 *
 * @module
 */

import { basename, common, dirname, fromFileUrl, join, normalize, relative } from "@std/path/posix";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const MADE = "// duwsgi, made by `deno task bundle`: edit nothing here.\n";
/** What stands before the code of these files. */
const HEADS = {
  "main.js": MADE,
  "lib/worker/uwsgi.js": `/* @ts-self-types="../types/worker/uwsgi.ts" */\n`,
} as const;

/** What one kind of process runs. Two programs share no file. */
interface Program {
  /** Whatever else is loaded, this is loaded already, with all that it imports. */
  readonly base: string;
  /** What is run, as paths from the root. */
  readonly entries: readonly string[];
}

/** Text of each file, by its path from the top of the bundle. */
type Files = ReadonlyMap<string, string>;

/**
 * How a module names another one: with `import.meta.resolve("./x.ts")` if it loads that later, and with
 * `new URL("./x.ts", import.meta.url)` if another process runs it. The way there is in the second group.
 */
export const NAME =
  /\b(import\.meta\.resolve\(\s*"|new URL\((?=\s*"[^"]*",\s*import\.meta\.url\b)\s*")(\.[^"]*)/g;
const LATER = 'import.meta.resolve("';
const STARTED = 'new URL("';
/** What such names begin with until it is known how far below the top their text will be. */
const TOP = "@top/";

/** Makes the bundle. Nothing in the directory is touched before all of it is made. */
export async function bundle(directory: string): Promise<Files> {
  await refuseOtherFiles(directory);
  const work = await Deno.realPath(await Deno.makeTempDir({ prefix: "duwsgi-bundle-" }));
  try {
    copySources(work);
    const master = await build(work, { base: "lib/cli/run.ts", entries: ["main.ts"] });
    const entries = named(master, STARTED).filter((path) => path.startsWith("lib/worker/"));
    const programs = [master, await build(work, { base: "lib/worker/preload.ts", entries })];
    // Threads of the master, each with what it loads.
    for (const path of named(master, STARTED).filter((path) => path.startsWith("lib/master/"))) {
      programs.push(await build(work, { base: path, entries: [path] }));
    }
    const paths = programs.flatMap((files) => [...files.keys()]);
    const shared = paths.filter((path, i) => paths.indexOf(path) !== i);
    if (shared.length > 0) throw new Error(`Several programs load ${shared} later`);
    const code = new Map(programs.flatMap((files) => [...files]));
    const files = new Map([...licences(work, code), ...placed(code), ...await types()]);
    files.set("deno.json", SETTINGS);
    for (const [path, head] of Object.entries(HEADS)) files.set(path, head + files.get(path));
    await orNull(Deno.remove(directory, { recursive: true }));
    for (const [path, text] of files) write(join(directory, path), text);
    return files;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** What Deno has to know of the sources, it has to know of the bundle. */
const SETTINGS = JSON.stringify({ unstable: ["net"], lock: false }) + "\n";

/** What a bundle has at its top. */
const OWN_FILE = /^(lib|main\.js|deno\.json|chunk-\w+\.js|LICENSE.*)$/;

/** @throws {Error} If there is something in the directory that is not of a bundle. */
async function refuseOtherFiles(directory: string): Promise<void> {
  const entries = await orNull(Array.fromAsync(Deno.readDir(directory)));
  if (entries === null || entries.length === 0) return;
  const main = await orNull(Deno.readTextFile(join(directory, "main.js")));
  const made = main?.startsWith(MADE) ?? false;
  const other = entries.find(({ name }) => !made || !OWN_FILE.test(name));
  if (other === undefined) return;
  throw new Error(
    `${directory} has other files than those of a bundle, as "${other.name}": name another directory`,
  );
}

/** What comes of it; null: there is no such file. */
async function orNull<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Copies what is bundled; what a module names, is named by its path from the top then. */
function copySources(work: string): void {
  for (const path of ["main.ts", "deno.json", "deno.lock", ...filesBelow(ROOT, "lib")]) {
    const text = Deno.readTextFileSync(ROOT + path);
    write(
      join(work, path),
      text.replaceAll(
        NAME,
        (_, call: string, name: string) => call + TOP + normalize(join(dirname(path), name)),
      ),
    );
  }
}

/** Bundles a program, and all that it loads later. */
async function build(work: string, { base, entries }: Program): Promise<Files> {
  const files = await bundleEntries(work, base, entries);
  const missing = named(files, LATER).filter((path) => !entries.includes(path));
  return missing.length === 0
    ? files
    : await build(work, { base, entries: [...entries, ...missing] });
}

/**
 * Bundles these entries. Modules end up in one file when the same entries need them. So every entry
 * imports the base, which makes one file of it.
 */
async function bundleEntries(
  work: string,
  base: string,
  entries: readonly string[],
): Promise<Files> {
  const paths = entries.map((path) => join("entries", path));
  entries.forEach((path) => write(join(work, "entries", path), entryText(work, base, path)));
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--code-splitting", "--outdir", "out", ...paths],
    cwd: work,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot bundle: see the message above");
  const [first = "", ...others] = paths;
  const folder = others.length === 0 ? dirname(first) : dirname(join(common(paths), "file"));
  const top = folder.replace(/^entries\/?/, "");
  const out = join(work, "out");
  const files = filesBelow(out, "").map((path) =>
    [join(top, path), Deno.readTextFileSync(join(out, path))] as const
  );
  await Deno.remove(out, { recursive: true });
  return new Map(files);
}

function entryText(work: string, base: string, path: string): string {
  const text = Deno.readTextFileSync(join(work, path));
  // The main module has to be in a file of its own: it looks whether it is the main module.
  if (path === "main.ts") return text.replaceAll(`from "./`, `from "../`);
  const quoted = (path: string) => JSON.stringify(join(work, path));
  const standard = /^export default\b/m.test(text)
    ? `export { default } from ${quoted(path)};`
    : "";
  return `import ${quoted(base)};\nexport * from ${quoted(path)};\n${standard}\n`;
}

/** The paths that these files name in such calls, each once. */
function named(files: Files, call: string): string[] {
  const parts = [...files.values()].flatMap((text) => text.split(call + TOP).slice(1));
  return [...new Set(parts.map((part) => part.slice(0, part.indexOf('"'))))];
}

/** Puts the way to the file in the place of each name. */
function placed(files: Files): Files {
  return new Map(
    [...files].map(([path, text]) => {
      const up = "../".repeat(path.split("/").length - 1) || "./";
      return [
        path,
        text.replaceAll(
          new RegExp(`"${TOP}([^"]*)"`, "g"),
          (_, name: string) => `"${up}${name.replace(/\.ts$/, ".js")}"`,
        ),
      ];
    }),
  );
}

/** What editors and `deno check` know of the module `uwsgi`: its sources, of which nothing runs. */
async function types(): Promise<Files> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "lib/worker/uwsgi.ts"],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly modules: readonly { readonly specifier: string }[];
  };
  // What is built into Deno is no file.
  const paths = modules.filter(({ specifier }) => specifier.startsWith("file:"))
    .map(({ specifier }) => relative(`${ROOT}lib`, fromFileUrl(specifier)));
  return new Map(
    paths.map((path) => [`lib/types/${path}`, Deno.readTextFileSync(`${ROOT}lib/${path}`)]),
  );
}

/** The licences of all that is in the files. */
function licences(work: string, files: Files): Files {
  const found = new Map([["LICENSE", Deno.readTextFileSync(`${ROOT}LICENSE`)]]);
  for (const path of filesBelow(ROOT, "lib/vendor").filter((path) => /LICENSE/.test(path))) {
    found.set(basename(path), Deno.readTextFileSync(ROOT + path));
  }
  // Each module is introduced by its path.
  const modules = [...files.values()].flatMap((text) => text.match(/^\/\/ \.\.\/.*$/gm) ?? []);
  for (const module of modules) {
    const { name, text } = packageOf(join(work, module.slice("// ".length)));
    found.set(`LICENSE-${name.replaceAll("/", "-")}`, text);
  }
  return found;
}

/** The package that a file of a library belongs to: its name, and the text of its licence. */
function packageOf(path: string): { readonly name: string; readonly text: string } {
  const folder = dirname(path);
  if (folder === path) throw new Error(`Cannot find the package of a bundled library`);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  if (!names.includes("package.json")) return packageOf(folder);
  const about = JSON.parse(Deno.readTextFileSync(join(folder, "package.json")));
  const licence = names.find((name) => /^licen[cs]e/i.test(name));
  const text = licence === undefined
    ? `${about.name} ${about.version}, ${about.license} License\n`
    : Deno.readTextFileSync(join(folder, licence));
  return { name: about.name, text };
}

/** All files below a folder, as paths from `top`. */
function filesBelow(top: string, folder: string): string[] {
  return [...Deno.readDirSync(join(top, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(top, join(folder, name)) : [join(folder, name)]
  ).sort();
}

function write(path: string, text: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

/** The exit code. */
async function run([directory = "dist", ...more]: readonly string[]): Promise<number> {
  if (more.length > 0 || directory.startsWith("-")) {
    console.error("bundle: expects one directory, or nothing: deno task bundle dist");
    return 2;
  }
  try {
    const { size } = await bundle(directory);
    const main = join(directory, "main.js");
    console.error(`${size} files are in ${directory}. Start it: deno run -A ${main} --ini app.ini`);
    return 0;
  } catch (error) {
    console.error(`bundle: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await run(Deno.args));
