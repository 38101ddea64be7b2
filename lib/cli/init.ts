/**
 * `duwsgi init`: writes the files of a first app, which runs as it is, or what an app that is there needs.
 *
 * @module
 */

import { UWSGI_SPECIFIER } from "../master/deno_project/import_map.ts";
import { modulePath, resolve } from "../paths.ts";
import { isBinary } from "../system/process/standalone.ts";
import type { SourceBase } from "../instance/config_source.ts";
import { errorText, EXIT, UserError } from "../errors.ts";
import { parseClientArguments, usageError } from "./client/client_arguments.ts";

/** What `init --help` says. */
const USAGE = `Usage: duwsgi init [DIRECTORY]

Writes app.ini, app.ts and deno.json, an app that runs as it is; here, or in a directory that is
made if need be. Where there is an app (app.ts, main.ts, server.ts, index.ts, the same in src, or
with .tsx, .js, .mjs), it writes an app.ini for it and nothing else. No file is overwritten.`;

/** The INI file for a script. */
function iniFor(script: string): string {
  return `[uwsgi]
chdir = %d
http-socket = 127.0.0.1:8080
processes = 2
deno-worker-override = ${script}
touch-chain-reload = reload.touch
# While you develop: what is saved is served, and a request that hangs delays that by 5 s at most.
# auto-reload = true
# worker-reload-mercy = 5
`;
}

/** Where the script of an app is looked for, the first that is there counts. */
const SCRIPTS: readonly string[] = ["", "src/"].flatMap((folder) =>
  ["app", "main", "server", "index"].flatMap((name) =>
    ["ts", "tsx", "js", "mjs"].map((ending) => `${folder}${name}.${ending}`)
  )
);

const SCRIPT = `import uwsgi from ${JSON.stringify(UWSGI_SPECIFIER)};

uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  const worker = uwsgi.worker_id();
  return new Response(
    \`Hello from worker \${worker}, you asked for \${pathname}\\n\`,
  );
});
`;

const MAIN = new URL("../../main.ts", import.meta.url);
const MODULE = new URL("../worker/uwsgi.ts", import.meta.url);

/**
 * Writes the files.
 *
 * @returns The exit code.
 * @throws {UserError} If one of them is there, or cannot be written; then none is written.
 */
export function init(args: readonly string[], { cwd }: Pick<SourceBase, "cwd">): number {
  const { words: [directory = ".", ...more], values, flags } = parseClientArguments("init", args, {
    values: [],
    flags: [],
  });
  if (flags.has("--help")) return say(USAGE);
  if (more[0] !== undefined) throw usageError(`init: unexpected argument "${more[0]}"`);
  const file = values.get("--ini");
  if (file !== undefined) {
    throw usageError(
      `init takes a directory, in which it writes app.ini, and not the file "${file}"`,
    );
  }
  if (directory === "") throw usageError("init takes a directory, and its name is empty");
  const at = resolve(cwd, directory);
  const program = isBinary() ? quoted(Deno.execPath()) : `deno run -A ${quoted(modulePath(MAIN))}`;
  const script = SCRIPTS.find((path) => isThere(`${at}/${path}`));
  const files = script === undefined
    ? starterFiles(program, isBinary() ? null : modulePath(MODULE))
    : { "app.ini": iniFor(script) };
  writeAll(at, files);
  const written = script === undefined
    ? `${Object.keys(files).join(", ")} are in ${at}`
    : `app.ini for ${script} is in ${at}`;
  const ini = directory === "." ? "app.ini" : `${directory.replace(/(?<!\/)\/+$/, "")}/app.ini`;
  return say(`${written}
Start it:    ${program} --ini ${quoted(ini)}
Ask it:      curl http://127.0.0.1:8080/
Reload it:   touch ${quoted(resolve(at, "reload.touch"))}`);
}

/** A path as a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./:@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/**
 * The files, by name.
 *
 * @param program The command that runs duwsgi.
 * @param module Where the module `uwsgi` is, for editors: a path or a URL. Null: not in a file.
 */
export function starterFiles(
  program: string,
  module: string | null,
): Readonly<Record<string, string>> {
  const configuration = {
    tasks: { start: `${program} --ini app.ini` },
    ...module === null ? {} : { imports: { [UWSGI_SPECIFIER]: module } },
  };
  return {
    "app.ini": iniFor("app.ts"),
    "app.ts": SCRIPT,
    "deno.json": `${JSON.stringify(configuration, null, 2)}\n`,
  };
}

function writeAll(directory: string, files: Readonly<Record<string, string>>): void {
  const paths = Object.entries(files).map(([name, text]) =>
    [`${directory}/${name}`, text] as const
  );
  const there = paths.map(([path]) => path).filter(isThere);
  if (there.length > 0) {
    const are = there.length === 1 ? "is" : "are";
    throw usageError(
      `init overwrites nothing, and ${there.join(", ")} ${are} there: name another directory`,
    );
  }
  const written: string[] = [];
  try {
    Deno.mkdirSync(directory, { recursive: true });
    for (const [path, text] of paths) {
      Deno.writeTextFileSync(path, text, { createNew: true });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) Deno.removeSync(path);
    const reason = errorText(error);
    throw new UserError("configuration", `init cannot write to ${directory}: ${reason}`);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function say(text: string): number {
  console.log(text);
  return EXIT.ok.code;
}
