/**
 * The world as the configuration layer sees it, taken from Deno.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { resolve } from "../paths.ts";
import type { ConfigSource, PathKind } from "../config/source.ts";
import { captureStarted, type Started } from "../system/process/program.ts";
import { isHandedOver } from "../master/upgrade/handover_environment.ts";
import { VERSION } from "../version.ts";
import { startDirectory } from "../system/files/working_directory.ts";
import { type PassedSocket, takePassedSockets } from "../system/sockets/passed_sockets.ts";
import { type FileKinds, readRegularFile, readToEnd } from "../system/files/regular_file.ts";

/** What stays the same for all readings of one master. */
export interface SourceBase {
  /** Directory the program was started in, by the name that it has there, see `working_directory.ts`. */
  readonly cwd: string;
  /** When it was started, ms since the epoch. */
  readonly startedAtMs: number;
  /** The sockets it was started with. */
  readonly passedSockets: readonly PassedSocket[];
  /** How the program was started. */
  readonly started: Started;
  /** Standard input, which can be read only once and is kept for reloads. */
  readonly stdin: () => string;
  /** What was read from it; null: nothing was. */
  readonly stdinRead: () => string | null;
}

/** Captures {@linkcode SourceBase}; call it before anything changes the directory. */
export function captureBase(): SourceBase {
  let text: string | null = null;
  return {
    cwd: startDirectory(),
    startedAtMs: Date.now(),
    passedSockets: takePassedSockets(),
    started: captureStarted(),
    stdin: () => text ??= readStdin(),
    stdinRead: () => text,
  };
}

function readStdin(): string {
  return decoded(readToEnd((bytes) => Deno.stdin.readSync(bytes)));
}

/** A source for one reading; relative paths mean the directory the program was started in. */
export function denoConfigSource(base: SourceBase, reloading: boolean): ConfigSource {
  const at = (path: string): string => resolve(base.cwd, path);
  const uid = Deno.uid() ?? 0;
  const gid = Deno.gid() ?? 0;
  return {
    cwd: base.cwd,
    hostname: Deno.hostname(),
    get user() {
      return nameOf("/etc/passwd", uid);
    },
    get group() {
      return nameOf("/etc/group", gid);
    },
    uid,
    gid,
    cpuCount: navigator.hardwareConcurrency,
    startedAtMs: base.startedAtMs,
    version: VERSION,
    executable: Deno.execPath(),
    reloading,
    // Who has this program check the configuration before a handover knows of its own sockets.
    socketsPassed: base.passedSockets.length > 0 || isHandedOver(),
    readTextFile: (path) => readText(at(path), { streams: !reloading }),
    kind: (path) => kindOf(at(path)),
    inode: (path) => inodeOf(at(path)),
    stdin: base.stdin,
    environment: () => Deno.env.toObject(),
    glob: (pattern) => glob(base.cwd, pattern),
  };
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function readText(path: string, kinds: FileKinds): string {
  try {
    return decoded(readRegularFile(path, kinds));
  } catch (error) {
    throw new Error(reasonFor(error), { cause: error });
  }
}

function reasonFor(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return errorText(error);
}

function kindOf(path: string): PathKind {
  try {
    const info = Deno.statSync(path);
    if (info.isFile) return "file";
    return info.isDirectory ? "directory" : "other";
  } catch {
    return null;
  }
}

function inodeOf(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch {
    return null;
  }
}

/** The name of a number in a file of the form `name:x:number:…`, or the number itself. */
function nameOf(file: string, id: number): string {
  try {
    for (const line of Deno.readTextFileSync(file).split("\n")) {
      const [name, , number] = line.split(":");
      if (name && number === String(id)) return name;
    }
  } catch {
    // No such database here: the number will do.
  }
  return String(id);
}

/** Expands a shell pattern one path component at a time: `*`, `?`, `[…]`. */
function glob(cwd: string, pattern: string): string[] {
  const absolute = pattern.startsWith("/");
  let paths = [absolute ? "/" : ""];
  for (const part of pattern.split("/").filter((part) => part !== "")) {
    paths = paths.flatMap((path) => matches(cwd, path, part));
  }
  return paths.sort();
}

function matches(cwd: string, directory: string, part: string): string[] {
  const join = (name: string): string => directory + (/(^|\/)$/.test(directory) ? "" : "/") + name;
  if (!/[*?[]/.test(part)) {
    return kindOf(resolve(cwd, join(part))) === null ? [] : [join(part)];
  }
  const expression = patternExpression(part);
  return namesIn(resolve(cwd, directory || "."))
    .filter((name) => expression.test(name) && (part.startsWith(".") || !name.startsWith(".")))
    .map(join);
}

function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map((entry) => entry.name);
  } catch {
    return [];
  }
}

/**
 * Between two stars the first place that fits is as good as any other, so it is kept: `(?=(…))\1` is
 * never tried again. Else a name made for that would take time by the power of the number of stars.
 */
function patternExpression(part: string): RegExp {
  const [first = "", ...others] = part.match(/\[!?[^\]]{1,100}\]|[^]/g)?.reduce<string[]>(
    (between, piece) =>
      piece === "*"
        ? [...between, ""]
        : [...between.slice(0, -1), (between.at(-1) ?? "") + pieceSource(piece)],
    [""],
  ) ?? [];
  const last = others.pop();
  const middle = others.map((source, i) => `(?=(.*?${source}))\\${i + 1}`);
  return new RegExp(`^${first}${middle.join("")}${last === undefined ? "" : `.*${last}`}$`, "s");
}

/** A part of a pattern that stands for one character. */
function pieceSource(piece: string): string {
  if (piece === "?") return ".";
  if (piece.length > 1) return piece.replace("[!", "[^");
  return /[\\^$.|+(){}[\]]/.test(piece) ? `\\${piece}` : piece;
}
