/**
 * The magic variables: `%` and one character, replaced in the text of an INI file before anything
 * else looks at it. Where uWSGI drops what it does not know, this one keeps it and complains.
 *
 * @module
 */

import { basename, dirname, extname, resolve } from "../../paths.ts";
import type { ConfigSource } from "../source.ts";

/** The file whose text is read, and the one the user named. */
export interface MagicContext {
  /** The world outside. */
  readonly source: ConfigSource;
  /** The file being read. */
  readonly file: MagicFile;
  /** The outermost file, which was named on the command line or in the environment. */
  readonly outermost: MagicFile;
}

/** One file, as it was asked for. */
export interface MagicFile {
  /** Its name as given; empty for standard input. */
  readonly name: string;
  /** The section that was asked for; empty when none was. */
  readonly section: string;
}

/** One magic variable. */
export interface MagicVariable {
  /** The character after the percent sign. */
  readonly letter: string;
  /** What it stands for. */
  readonly help: string;
  /** Its value. */
  readonly value: (context: MagicContext) => string;
}

/** The variables about one file: lower case for the file itself, upper case for the outermost. */
const ABOUT_FILE: readonly {
  readonly letter: string;
  readonly help: string;
  readonly value: (file: MagicFile, source: ConfigSource) => string;
}[] = [
  { letter: "p", help: "absolute path of", value: absolute },
  { letter: "s", help: "file name of", value: (file) => basename(file.name) },
  { letter: "n", help: "file name without extension of", value: stem },
  { letter: "e", help: "extension, without its dot, of", value: (f) => extname(f.name).slice(1) },
  { letter: "d", help: "directory, with a slash at its end, of", value: directory },
  {
    letter: "c",
    help: "name of the directory of",
    value: (file, source) => components(file, source).at(-1) ?? "",
  },
  { letter: "x", help: "section asked for, if any, in", value: (file) => file.section },
  { letter: "o", help: "name, as it was given, of", value: (file) => file.name },
  { letter: "i", help: "inode number of", value: inode },
  { letter: "j", help: "32-bit hash, in hexadecimal, of the path of", value: hash },
];

/** All magic variables, in the order of the reference. */
export const MAGIC_VARIABLES: readonly MagicVariable[] = [
  ...ABOUT_FILE.map(({ letter, help, value }): MagicVariable => ({
    letter,
    help: `${help} this file`,
    value: ({ file, source }) => value(file, source),
  })),
  ...ABOUT_FILE.map(({ letter, help, value }): MagicVariable => ({
    letter: letter.toUpperCase(),
    help: `${help} the outermost file`,
    value: ({ outermost, source }) => value(outermost, source),
  })),
  ...Array.from({ length: 10 }, (_, index): MagicVariable => ({
    letter: String(index),
    help: `part ${index} of the path of this file's directory, counted from 0`,
    value: ({ file, source }) => components(file, source)[index] ?? "",
  })),
  { letter: "h", help: "host name", value: ({ source }) => source.hostname },
  { letter: "k", help: "number of CPUs online", value: ({ source }) => String(source.cpuCount) },
  { letter: "v", help: "directory duwsgi was started in", value: ({ source }) => source.cwd },
  { letter: "b", help: "path of the program", value: ({ source }) => source.executable },
  { letter: "V", help: "version of duwsgi", value: ({ source }) => source.version },
  {
    letter: "t",
    help: "time the master was started, s since the epoch",
    value: ({ source }) => String(Math.floor(source.startedAtMs / 1000)),
  },
  {
    letter: "T",
    help: "time the master was started, µs since the epoch",
    value: ({ source }) => String(Math.floor(source.startedAtMs * 1000)),
  },
  { letter: "u", help: "number of the user", value: ({ source }) => String(source.uid) },
  { letter: "U", help: "name of the user", value: ({ source }) => source.user },
  { letter: "g", help: "number of the group", value: ({ source }) => String(source.gid) },
  { letter: "G", help: "name of the group", value: ({ source }) => source.group },
  { letter: "[", help: "the ESC character, which starts terminal colours", value: () => "\x1b" },
  { letter: "%", help: "a percent sign", value: () => "%" },
];

const BY_LETTER: ReadonlyMap<string, MagicVariable> = new Map(
  MAGIC_VARIABLES.map((variable) => [variable.letter, variable]),
);

/**
 * Replaces the magic variables of a text; `%(` starts a placeholder and is left alone.
 *
 * @param unknown Called with each `%` that starts nothing known; it stays as it is.
 */
export function expandMagic(
  text: string,
  context: MagicContext,
  unknown: (sequence: string) => void,
): string {
  return text.replace(/%(.?)/gsu, (sequence, letter: string) => {
    if (letter === "(") return sequence;
    const variable = BY_LETTER.get(letter);
    if (variable !== undefined) return variable.value(context);
    unknown(sequence);
    return sequence;
  });
}

function absolute(file: MagicFile, source: ConfigSource): string {
  return file.name === "" ? "" : resolve(source.cwd, file.name);
}

function stem(file: MagicFile): string {
  return basename(file.name, extname(file.name));
}

function directory(file: MagicFile, source: ConfigSource): string {
  if (file.name === "") return "";
  const path: string = dirname(absolute(file, source));
  return path === "/" ? path : `${path}/`;
}

function components(file: MagicFile, source: ConfigSource): string[] {
  return directory(file, source).split("/").filter((part) => part !== "");
}

function inode(file: MagicFile, source: ConfigSource): string {
  return String(file.name === "" ? "" : source.inode(file.name) ?? "");
}

/** The function uWSGI uses (Bernstein's, with exclusive or), and its byte order. */
function hash(file: MagicFile, source: ConfigSource): string {
  let value = 5381;
  for (const byte of new TextEncoder().encode(absolute(file, source))) {
    value = (Math.imul(value, 33) ^ byte) >>> 0;
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join("");
}
