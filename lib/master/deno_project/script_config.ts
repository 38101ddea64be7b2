/**
 * Finds and reads the configuration files of a script as `deno run SCRIPT` would, for the import
 * map that duwsgi merges ({@linkcode mergeImportMaps}).
 *
 * @module
 */
import { dirname, resolve } from "../../paths.ts";
import type { ImportMapFlags } from "./import_map_flags.ts";
import type { ImportEntries, ImportMapLayer } from "./import_map.ts";
import { isWorkspaceMember, workspacePatterns } from "./deno_workspace.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { asFilePath, type JsonFile, readJsonFile } from "./json_file.ts";

/** The configuration of a script, as far as imports are concerned. */
export interface ScriptConfig {
  /** What to merge: the root's part, then that of the workspace member the script belongs to. */
  readonly layers: readonly ImportMapLayer[];
  /** Path of the nearest deno.json or deno.jsonc, or null if there is none. */
  readonly configFile: string | null;
  /** Absolute paths of the project's directories: its own, that of its workspace, linked packages. */
  readonly folders: readonly string[];
}

/** A directory that Deno takes for a project: it has a deno.json, a package.json, or both. */
interface Folder {
  readonly directory: string;
  readonly config: JsonFile | null;
  /** The patterns of its workspace members, or null when it is no workspace's root. */
  readonly members: readonly string[] | null;
}

/**
 * Reads the configuration files that apply to a script. Relative paths, those of the flags too, are
 * resolved against the current directory, and symbolic links are not followed, both as Deno does.
 *
 * @param scriptPath The script, as a path or a `file://` URL.
 * @param flags What the user's Deno flags say about configuration and import map.
 * @throws {Error} If a file cannot be read or parsed, or an import map is not a local file; the
 * message names the file.
 */
export function readScriptLayers(scriptPath: string, flags: ImportMapFlags): ScriptConfig {
  const folder = flags.noConfig ? null : startFolder(scriptPath, flags.config);
  const root = folder === null ? null : workspaceRoot(folder) ?? folder;
  const layers: ImportMapLayer[] = [];
  if (flags.importMap !== null) {
    layers.push(mapFileLayer(asFilePath(flags.importMap, Deno.cwd(), "--import-map")));
  } else if (root?.config) {
    layers.push(configLayer(root.config));
  }
  if (folder?.config && folder !== root && folder.config.value.imports !== undefined) {
    layers.push({ ...layerOf(folder.config, true), scopes: {}, member: true });
  }
  return {
    layers,
    configFile: (folder?.config ?? root?.config)?.path ?? null,
    folders: folder === null || root === null ? [] : projectFolders(folder, root),
  };
}

/** What a path of a member without wildcards begins with; members below the root are part of it. */
const OUTSIDE = /^\.\.\/[^*?[]*$/;

function projectFolders(folder: Folder, root: Folder): string[] {
  const linked = workspacePatterns(root.config?.value.links ?? root.config?.value.patch) ?? [];
  const outside = [...root.members ?? [], ...linked].filter((path) => OUTSIDE.test(path))
    .map((path) => resolve(root.directory, path));
  return [...new Set([folder.directory, root.directory, ...outside])];
}

function startFolder(scriptPath: string, config: string | null): Folder | null {
  if (config === null) {
    const script = asFilePath(scriptPath, Deno.cwd(), "The script");
    // One after the other: each file that is not there costs an exception.
    for (const directory of ancestors(dirname(script))) {
      const folder = readFolder(directory);
      if (folder !== null) return folder;
    }
    return null;
  }
  const path: string = absolutePath(config);
  const file = readJsonFile(path);
  if (file === null) throw new Error(`Cannot read "${path}" (--config): there is no such file`);
  return asFolder(dirname(path), file, null);
}

/** The root of the workspace that `folder` is a member of; null when it stands for itself. */
function workspaceRoot(folder: Folder): Folder | null {
  if (folder.members !== null) return folder;
  for (const directory of ancestors(dirname(folder.directory))) {
    const above = readFolder(directory);
    if (above?.members) {
      return isWorkspaceMember(above.members, above.directory, folder.directory) ? above : null;
    }
  }
  return null;
}

function readFolder(directory: string): Folder | null {
  const config = readJsonFile(`${directory}/deno.json`) ?? readJsonFile(`${directory}/deno.jsonc`);
  const manifest = readJsonFile(`${directory}/package.json`);
  return config === null && manifest === null ? null : asFolder(directory, config, manifest);
}

function asFolder(directory: string, config: JsonFile | null, manifest: JsonFile | null): Folder {
  const members = workspacePatterns(config?.value.workspace) ??
    workspacePatterns(manifest?.value.workspaces);
  return { directory, config, members };
}

/** The `imports` and `scopes` of a deno.json or, only without any, the file `importMap` names. */
function configLayer(config: JsonFile): ImportMapLayer {
  const { imports, scopes, importMap } = config.value;
  if (imports !== undefined || scopes !== undefined || typeof importMap !== "string") {
    return layerOf(config, true);
  }
  return mapFileLayer(asFilePath(importMap, dirname(config.path), `importMap of ${config.path}`));
}

function mapFileLayer(path: string): ImportMapLayer {
  const file = readJsonFile(path);
  if (file === null) throw new Error(`Cannot read the import map "${path}": there is no such file`);
  return layerOf(file, false);
}

function layerOf(file: JsonFile, subpaths: boolean): ImportMapLayer {
  const scopes = entriesIn(file, "scopes", file.value.scopes);
  return {
    url: file.url,
    imports: entriesIn(file, "imports", file.value.imports),
    scopes: Object.fromEntries(
      Object.keys(scopes).map((key) => [key, entriesIn(file, `scopes["${key}"]`, scopes[key])]),
    ),
    member: false,
    subpaths,
  };
}

function entriesIn(file: JsonFile, name: string, value: unknown): ImportEntries {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`Cannot use ${name} of "${file.path}": it must be an object`);
}

function ancestors(directory: string): string[] {
  const parent: string = dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestors(parent)];
}
