/**
 * A {@linkcode ConfigSource} of plain values: files, environment and host exist in memory only.
 *
 * @module
 */

import { resolve } from "@std/path/posix";
import type { ConfigSource } from "../../lib/config/source.ts";
import { loadGrammars } from "../../lib/config/kinds/line_reader.ts";

await loadGrammars();

/** What the world of a test is like; everything left out is empty or has an obvious value. */
export interface MemoryWorld extends Partial<Omit<ConfigSource, "readTextFile" | "stdin">> {
  /** Texts by path; relative paths are below `cwd`. */
  readonly files?: Readonly<Record<string, string>>;
  /** The environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text on standard input; reading fails when it is left out. */
  readonly input?: string;
}

/** Makes a source of a world. Directories are those that files are in. */
export function memorySource(world: MemoryWorld = {}): ConfigSource {
  const { files = {}, env = {}, input, ...rest } = world;
  const cwd = world.cwd ?? "/srv/app";
  const texts = new Map(Object.entries(files).map(([path, text]) => [resolve(cwd, path), text]));
  const paths = [...texts.keys()].sort();
  const kind: ConfigSource["kind"] = (path) => {
    const absolute: string = resolve(cwd, path);
    if (texts.has(absolute)) return "file";
    const prefix = absolute === "/" ? "/" : `${absolute}/`;
    return paths.some((one) => one.startsWith(prefix)) ? "directory" : null;
  };
  return {
    cwd,
    hostname: "web1",
    user: "www-data",
    group: "www",
    uid: 33,
    gid: 34,
    cpuCount: 4,
    startedAtMs: 1_700_000_000_123,
    version: "1.2.3",
    executable: "/usr/bin/deno",
    reloading: false,
    socketsPassed: false,
    kind,
    inode: (path) => kind(path) === null ? null : paths.indexOf(resolve(cwd, path)) + 1000,
    readTextFile: (path) => {
      const text = texts.get(resolve(cwd, path));
      if (text === undefined) throw new Error("No such file or directory");
      return text;
    },
    stdin: () => {
      if (input === undefined) throw new Error("Standard input is closed");
      return input;
    },
    environment: () => env,
    glob: (pattern) => globIn(paths, cwd, pattern),
    ...rest,
  };
}

function globIn(paths: readonly string[], cwd: string, pattern: string): string[] {
  const absolute: string = resolve(cwd, pattern);
  const prefix = pattern.startsWith("/") ? "" : `${cwd}/`;
  return paths.filter((path) => matches(path, absolute)).map((path) => path.slice(prefix.length));
}

/** `*` and `?`, without backtracking over more than the last star. */
function matches(text: string, pattern: string): boolean {
  let star = -1;
  let retry = 0;
  let at = 0;
  let wanted = 0;
  while (at < text.length) {
    if (pattern[wanted] === "*") {
      star = wanted++;
      retry = at;
    } else if (pattern[wanted] === "?" || pattern[wanted] === text[at]) {
      wanted++;
      at++;
    } else if (star >= 0) {
      wanted = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(wanted));
}
