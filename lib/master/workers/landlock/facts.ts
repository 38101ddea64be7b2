/**
 * Runs in the master. Looks at what the rules of Landlock depend on: where the script and what it imports
 * are, where Deno and its cache are. Beforehand Deno loads everything once without restrictions, so that
 * what it writes about the script into its cache, or into a deno.lock, is there when workers start.
 *
 * @module
 */

import { dirname, fromFileUrl, resolve, toFileUrl } from "../../../paths.ts";
import { kernelText } from "../../../system/descriptor.ts";
import type { Libc } from "../../../system/libc.ts";
import { findUser } from "../../../system/files/owner.ts";
import { DENO } from "../../../system/process/program.ts";
import { importMapFlags } from "../../deno_project/import_map_flags.ts";
import { type AccessFacts, type Granted, isBelow, type PathKind } from "./rules.ts";

/** What is known of the workers that are to be restricted. */
export interface LandlockPlan {
  /** What they may do. */
  readonly granted: Granted;
  /** Absolute path of their script. */
  readonly script: string;
  /** What they evaluate before it: paths or URLs. */
  readonly preloads: readonly string[];
  /** Path of their import map. */
  readonly importMap: string;
  /** Folders of the project that the script belongs to. */
  readonly projects: readonly string[];
  /** Configuration files of the script, and import maps that they name. */
  readonly configFiles: readonly string[];
  /** The flags of `deno run` that the configuration adds. */
  readonly denoFlags: readonly string[];
  /** Where the processes run. @default Where the master does */
  readonly cwd?: string;
  /** Flags about imports that follow from what they may do. */
  readonly importFlags: readonly string[];
  /** Environment variables that they get beside those of the master. */
  readonly env: Readonly<Record<string, string>>;
  /** True if they open the log again after a rotation. */
  readonly opensLog: boolean;
}

/** One module of `deno info --json`. */
interface GraphModule {
  readonly kind?: string;
  readonly mediaType?: string;
  readonly specifier: string;
}

/** What `deno info --json` says. */
interface Graph {
  readonly modules: readonly GraphModule[];
  readonly npmPackages?: Readonly<Record<string, { readonly registryUrl?: string }>>;
}

const USUAL_REGISTRY = "https://registry.npmjs.org/";
/** Variables that name files with certificates, for Deno itself. */
const FILE_VARIABLES = ["DENO_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR", "SSL_CERT_FILE"];
/** Variables that name a proxy that Deno itself connects to. */
const PROXY_VARIABLES = ["all_proxy", "http_proxy", "https_proxy"];
/** Files that Deno looks for from the script's folder upward. */
const LOOKED_FOR = ["deno.json", "deno.jsonc", "package.json"];

/**
 * Looks.
 *
 * @param directory The directory that the master has for itself.
 * @param log What the standard error of workers stands for; null: unknown.
 */
export async function survey(
  c: Libc,
  plan: LandlockPlan,
  directory: string,
  log: string | null,
): Promise<AccessFacts> {
  const variable = (name: string) => plan.env[name] ?? Deno.env.get(name) ?? "";
  const cwd = directoryOf(plan);
  const home = variable("HOME") || (findUser(c, String(Deno.uid()))?.home ?? "");
  const cache = cacheOf(variable, cwd, home);
  const graph = await moduleGraph(plan, directory);
  if (!isCached(graph, plan, cache)) await fillCache(plan);
  const mapped = mappedFiles(c);
  const folders = projectFolders(plan);
  const { more, files, texts } = imported(graph, folders);
  const foreign = Object.values(graph.npmPackages ?? {}).some(({ registryUrl }) =>
    registryUrl !== undefined && registryUrl !== USUAL_REGISTRY
  );
  const isFile = log !== null && pathKind(log)?.kind === "file";
  return {
    cwd,
    programs: [DENO, ...mapped.filter((path) => /\/ld[-.][^/]*$/.test(path))],
    libraries: [...new Set(mapped.map(dirname))].filter((path) => path !== dirname(realOf(DENO))),
    texts,
    cache,
    folders: [...folders, ...more],
    files: [
      ...files,
      ...plan.configFiles,
      ...lookedFor(plan),
      ...flagFiles(plan.denoFlags, cwd),
      ...FILE_VARIABLES.map(variable).filter((path) => path !== "").map((path) =>
        resolve(cwd, path)
      ),
      // It has secrets, so only where Deno cannot find its packages without it.
      ...foreign && home !== "" ? [`${home}/.npmrc`] : [],
    ],
    master: directory,
    log: plan.opensLog && isFile ? log : null,
    connects: /^(1|true)$/.test(variable("OTEL_DENO")) ||
      PROXY_VARIABLES.some((name) => variable(name) + variable(name.toUpperCase()) !== ""),
    listens: plan.denoFlags.some((flag) => flag.startsWith("--inspect")),
  };
}

/** What a path stands for; null: it is not there, or this user cannot reach it. */
export function pathKind(path: string): PathKind | null {
  try {
    const real = Deno.realPathSync(path);
    const { isDirectory, isFile } = Deno.statSync(real);
    return { real, kind: isDirectory ? "directory" : isFile ? "file" : "other" };
  } catch {
    return null;
  }
}

/** Everything that scripts and preloads import; empty if Deno cannot look, as the worker will say. */
async function moduleGraph(plan: LandlockPlan, directory: string): Promise<Graph> {
  const entry = `${directory}/graph_${crypto.randomUUID()}.js`;
  const modules = [...plan.preloads, plan.script];
  const url = (one: string) => one.startsWith("/") ? toFileUrl(one).href : one;
  Deno.writeTextFileSync(
    entry,
    modules.map((one) => `import ${JSON.stringify(url(one))};`).join("\n"),
  );
  try {
    const { code, stdout } = await deno(plan, [
      "info",
      "--json",
      ...configFlags(plan),
      // What comes from hosts imports no files, so nothing is fetched.
      "--no-remote",
      "--no-lock",
      ...plan.importFlags.includes(CACHED_ONLY) ? ["--no-npm"] : [],
      `--import-map=${plan.importMap}`,
      entry,
    ]);
    return code === 0 ? JSON.parse(stdout) as Graph : { modules: [] };
  } catch {
    return { modules: [] };
  } finally {
    Deno.removeSync(entry);
  }
}

/** What Deno makes JavaScript of. */
const TRANSPILED: ReadonlySet<string> = new Set(["TypeScript", "TSX", "JSX", "Mts", "Cts"]);

/**
 * True if Deno has nothing to write about these modules, as far as that can be told by times. What is
 * fetched, or is in a package.json, it also writes to a deno.lock and to node_modules. Whatever is wrong
 * about it costs some time at a start.
 */
function isCached({ modules }: Graph, { projects }: LandlockPlan, cache: string): boolean {
  if (projects.some((folder) => pathKind(`${folder}/package.json`) !== null)) return false;
  // Another Deno makes something else of them.
  const since = timeOf(DENO, "birthtime");
  return modules.length > 0 && modules.every(({ specifier, mediaType }) => {
    if (!specifier.startsWith("file://")) return specifier.startsWith("node:");
    if (!TRANSPILED.has(mediaType ?? "")) return true;
    const path = fromFileUrl(specifier);
    const made = timeOf(`${cache}/gen/file${path}.js`, "ctime");
    return made > since && made > timeOf(path, "ctime");
  });
}

/** When a file was changed, or made; 0: it is not there. */
function timeOf(path: string, time: "ctime" | "birthtime"): number {
  try {
    return Deno.statSync(path)[time]?.getTime() ?? 0;
  } catch {
    return 0;
  }
}

const CACHED_ONLY = "--cached-only";

/** `deno cache` does not know `--cached-only`: it reaches nobody where this is its proxy. */
const OFFLINE: Readonly<Record<string, string>> = Object.fromEntries(
  ["HTTP_PROXY", "HTTPS_PROXY"].flatMap((name) => [name, name.toLowerCase()])
    .map((name) => [name, "http://127.0.0.1:1"]).concat([["NO_PROXY", ""], ["no_proxy", ""]]),
);

/**
 * Has Deno fill its cache, and write its deno.lock, as the first start would. What goes wrong, the worker
 * will say.
 */
async function fillCache(plan: LandlockPlan): Promise<void> {
  const { importMap, importFlags, denoFlags } = plan;
  const isOffline = [...importFlags, ...denoFlags].includes(CACHED_ONLY);
  const cache = (flags: readonly string[], modules: readonly string[]) => {
    const args = ["cache", "--quiet", ...flags, `--import-map=${importMap}`, ...modules];
    return deno(plan, args, isOffline ? OFFLINE : {});
  };
  const flags = importFlags.filter((flag) => flag !== CACHED_ONLY);
  await Promise.all([
    cache([...cacheFlags(plan), ...flags], [plan.script]),
    // Apart from the script: Deno would take duwsgi's own configuration, and write to its deno.lock.
    cache(["--no-config", "--no-lock"], plan.preloads),
  ]);
}

/** Longest time that Deno may take to look or to fill its cache (60 s). */
const DENO_TIMEOUT_MS = 60_000;

async function deno(
  { env, script }: LandlockPlan,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly stdout: string }> {
  const { code, stdout } = await new Deno.Command(DENO, {
    args: [...args],
    // There it finds the configuration that the script has.
    cwd: dirname(script),
    env: { ...env, ...more, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(DENO_TIMEOUT_MS),
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

function directoryOf({ cwd }: LandlockPlan): string {
  return cwd ?? Deno.cwd();
}

/** Flags that decide where the script's configuration is, with absolute paths. */
function configFlags(plan: LandlockPlan): string[] {
  const { config, noConfig } = importMapFlags(plan.denoFlags);
  if (config !== null) return [`--config=${resolve(directoryOf(plan), config)}`];
  return noConfig ? ["--no-config"] : [];
}

/** Flags of `deno run` that `deno cache` knows as well, and that decide what is in the cache. */
const CACHE_FLAGS = /^--(no-lock|frozen|node-modules-dir|vendor|no-remote|no-npm|unstable-)/;

function cacheFlags(plan: LandlockPlan): string[] {
  const { denoFlags } = plan;
  const lock = denoFlags.flatMap((flag) => /^--lock=(.+)$/.exec(flag)?.[1] ?? []);
  return [
    ...configFlags(plan),
    ...denoFlags.filter((flag) => CACHE_FLAGS.test(flag)),
    ...lock.map((path) => `--lock=${resolve(directoryOf(plan), path)}`),
  ];
}

/** Files that are mapped into the master, which is the same program. */
function mappedFiles(c: Libc): string[] {
  const lines = kernelText(c, "/proc/self/maps").split("\n");
  const executable = lines.filter((line) => /^\S+ ..x/.test(line));
  return [...new Set(executable.flatMap((line) => / (\/[^ ]+)$/.exec(line)?.[1] ?? []))]
    .filter((path) => path !== realOf(DENO));
}

function cacheOf(variable: (name: string) => string, cwd: string, home: string): string {
  const own = variable("DENO_DIR");
  if (own !== "") return resolve(cwd, own);
  return `${variable("XDG_CACHE_HOME") || `${home}/.cache`}/deno`;
}

/** Folders of the script and of its project, with the packages that are installed for it. */
function projectFolders({ script, projects }: LandlockPlan): string[] {
  const own = [dirname(script), dirname(realOf(script)), ...projects];
  const seen = new Set<string>();
  for (const folder of new Set(own.flatMap(ancestors))) packages(`${folder}/node_modules`, seen);
  return [...own, ...seen];
}

/** Most folders of packages that are looked at: they can link to each other as they like. */
const MOST_PACKAGES = 10_000;

/** A `node_modules` folder, and the folders outside of it that it links to. */
function packages(folder: string, seen: Set<string>): void {
  const place = pathKind(folder);
  if (place?.kind !== "directory" || seen.has(place.real) || seen.size > MOST_PACKAGES) return;
  seen.add(place.real);
  for (const link of linksIn(place.real)) {
    const target = pathKind(link);
    if (target === null || [...seen].some((one) => isBelow(target.real, one))) continue;
    const shared = target.real.lastIndexOf("/node_modules/");
    if (shared >= 0) {
      packages(target.real.slice(0, shared + "/node_modules".length), seen);
      continue;
    }
    seen.add(target.real);
    packages(`${target.real}/node_modules`, seen);
  }
}

/** The symbolic links to packages in a `node_modules` folder. */
function linksIn(folder: string): string[] {
  return entriesIn(folder).flatMap(({ name, isSymlink, isDirectory }) => {
    if (isSymlink) return [`${folder}/${name}`];
    if (!isDirectory || !name.startsWith("@")) return [];
    return entriesIn(`${folder}/${name}`).filter((entry) => entry.isSymlink)
      .map((entry) => `${folder}/${name}/${entry.name}`);
  });
}

function entriesIn(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    return [];
  }
}

/** What is imported from outside of these folders. */
function imported(graph: Graph, folders: readonly string[]): {
  readonly more: readonly string[];
  readonly files: readonly string[];
  readonly texts: readonly string[];
} {
  const known = folders.flatMap((folder) => pathKind(folder)?.real ?? []);
  const more = new Set<string>();
  const files: string[] = [];
  const texts: string[] = [];
  for (const { kind, specifier } of graph.modules) {
    if (!specifier.startsWith("file://")) continue;
    const place = pathKind(fromFileUrl(specifier));
    if (place === null || [...known, ...more].some((one) => isBelow(place.real, one))) continue;
    if (CODE.has(kind ?? "")) more.add(dirname(place.real));
    else if (kind === "asserted" || kind === "json") files.push(place.real);
    else texts.push(place.real);
  }
  return { more: [...more], files, texts };
}

const CODE = new Set(["esm", "wasm"]);

/** Files that Deno looks for in the folders above, where each of them may decide about the script. */
function lookedFor({ script, projects }: LandlockPlan): string[] {
  const folders = [dirname(script), dirname(realOf(script)), ...projects].flatMap(ancestors);
  return [...new Set(folders)].flatMap((folder) => LOOKED_FOR.map((name) => `${folder}/${name}`));
}

/** What flags name, if they name a file: `--env-file=.env`, `--cert FILE`. */
function flagFiles(denoFlags: readonly string[], cwd: string): string[] {
  const values = denoFlags.map((flag) =>
    flag.startsWith("-") ? flag.replace(/^[^=]*=?/, "") : flag
  );
  const own = denoFlags.includes("--env-file") ? [".env"] : [];
  return [...values.filter((value) => value !== ""), ...own].map((value) => resolve(cwd, value))
    .filter((path) => pathKind(path)?.kind === "file");
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

function realOf(path: string): string {
  return pathKind(path)?.real ?? path;
}
