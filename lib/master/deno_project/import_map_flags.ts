/**
 * What the `deno-flag` options say about the script's configuration file and import map: duwsgi
 * gives `deno run` an import map of its own, so a user's one has to be taken out and merged.
 *
 * @module
 */

/** The flags that decide which configuration a script has, read from `deno run`'s flags. */
export interface ImportMapFlags {
  /** File of `--config`/`-c`, as written; null: found from the script's directory upward. */
  readonly config: string | null;
  /** Whether `--no-config` is given: no configuration file at all. */
  readonly noConfig: boolean;
  /** File of `--import-map`, as written; it replaces the `imports` of the configuration file. */
  readonly importMap: string | null;
  /** The flags to hand to `deno run`: all but `--import-map`. */
  readonly rest: readonly string[];
}

/** `-c FILE`, `-cFILE` or `-c=FILE`, also behind other letters (`-Ac FILE`); -L takes a value. */
const SHORT_CONFIG = /^-[A-KM-Zabd-z]*c=?(.*)$/;

/**
 * Reads the flags as `deno run` does: the value follows as the next flag or after `=`, and of
 * several the last one counts.
 *
 * @param denoFlags One flag or flag value each (`deno-flag`).
 * @throws {SyntaxError} If `--config` or `--import-map` stands last, without a file.
 */
export function importMapFlags(denoFlags: readonly string[]): ImportMapFlags {
  const rest: string[] = [];
  let config: string | null = null;
  let importMap: string | null = null;
  for (let i = 0; i < denoFlags.length; i++) {
    const flag = denoFlags[i] ?? "";
    const [name, value] = splitFlag(flag);
    const taken = name === "--config" || name === "--import-map";
    const file = taken ? value ?? denoFlags[++i] : undefined;
    if (taken && (file === undefined || file === "")) {
      throw new SyntaxError(`Missing file after the Deno flag "${flag}": add it as next deno-flag`);
    }
    if (name === "--import-map") {
      importMap = file ?? null;
      continue;
    }
    rest.push(flag);
    if (file === undefined) continue;
    config = file;
    if (value === undefined) rest.push(file);
  }
  return { config, noConfig: rest.includes("--no-config"), importMap, rest };
}

/** A flag's long name, and its value if it is part of the same argument. */
function splitFlag(flag: string): readonly [name: string, value: string | undefined] {
  const short = SHORT_CONFIG.exec(flag);
  if (short !== null) return ["--config", short[1] === "" ? undefined : short[1]];
  const end = flag.indexOf("=");
  return end === -1 ? [flag, undefined] : [flag.slice(0, end), flag.slice(end + 1)];
}
