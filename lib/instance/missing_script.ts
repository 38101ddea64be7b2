/**
 * Why a script cannot be run, before anything is started: it is not there, or is no file.
 *
 * @module
 */

import type { Config } from "../config/config.ts";

/**
 * What to tell whoever wrote it; null: there is a file.
 *
 * @param place Where it was written: `deno-worker-override (app.ini:3)`.
 */
export function missingScript(
  script: string,
  place: string,
  { chdir }: Pick<Config, "chdir">,
): string | null {
  const kind = kindOf(script);
  if (kind === "file") return null;
  if (kind === "directory") {
    return `Cannot run "${script}" of ${place}: it is a directory, name a script in it`;
  }
  if (/^(https?|npm|jsr|data|blob):/i.test(script)) {
    return `Cannot run "${script}" of ${place}: it has to be a file, such as one that imports it`;
  }
  const relative = !script.startsWith("/");
  const advice = relative && chdir === ""
    ? ": with chdir = %d in the INI file it is looked for beside that"
    : "";
  return `Cannot find the script "${script}" of ${place} in ${Deno.cwd()}${advice}`;
}

/** Null: there is nothing, or it is out of reach. The user looks at the path in either case. */
function kindOf(path: string): "file" | "directory" | null {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return isFile ? "file" : isDirectory ? "directory" : null;
  } catch {
    return null;
  }
}
