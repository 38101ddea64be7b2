/**
 * Reads configuration files in JSON with comments, with errors that say where.
 *
 * @module
 */
import { errorText } from "../../errors.ts";
import { readRegularText } from "../../system/files/regular_file.ts";
import { lazyImport } from "../../lazy_import.ts";
import { fromFileUrl, resolve, toFileUrl } from "../../paths.ts";

/** A configuration file, read. */
export interface JsonFile {
  /** Absolute path. */
  readonly path: string;
  /** The same as a `file://` URL. */
  readonly url: string;
  /** Its top level; empty for an empty file, as Deno reads it. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** Reads comments and trailing commas; null: not loaded. */
let parseMore: ((text: string) => unknown) | null = null;

/**
 * Loads what reads comments and trailing commas. Most files have none, so it is done only for a file that
 * needs it: {@linkcode PlainJsonError}.
 */
export async function loadJsonParser(): Promise<void> {
  const { parse } = await lazyImport<typeof import("./json_comments.ts")>(
    import.meta.resolve("./json_comments.ts"),
  );
  parseMore = parse;
}

/** A file is not plain JSON, and what reads more than that is not loaded yet. */
export class PlainJsonError extends Error {
  /** Takes the path of the file. */
  constructor(path: string) {
    super(`Cannot read "${path}" as plain JSON`);
    this.name = "PlainJsonError";
  }
}

/**
 * Reads a file of JSON, with comments and trailing commas once {@linkcode loadJsonParser} was called.
 *
 * @returns null if there is no such file.
 * @throws {Error} If it cannot be read, is not valid, or is not an object.
 * @throws {PlainJsonError} If it takes {@linkcode loadJsonParser}.
 */
export function readJsonFile(path: string): JsonFile | null {
  const text = readText(path);
  if (text === null) return null;
  const value = text.trim() === "" ? {} : parseText(path, text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`Cannot use "${path}": its top level must be an object`);
  }
  return { path, url: toFileUrl(path).href, value: { ...value } };
}

/**
 * The absolute path of a file that is given as a path or a `file://` URL.
 *
 * @param reference What the user wrote.
 * @param directory What a relative path is relative to.
 * @param what What it was written for, for the message.
 * @throws {Error} If it is another kind of URL.
 */
export function asFilePath(reference: string, directory: string, what: string): string {
  if (reference.startsWith("file:")) return fromFileUrl(reference);
  if (/^[a-z][a-z0-9+.-]+:/i.test(reference)) {
    throw new Error(`Cannot use "${reference}" (${what}): it must be a local file`);
  }
  return resolve(directory, reference);
}

function readText(path: string): string | null {
  try {
    return readRegularText(path);
  } catch (cause) {
    if (
      cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.IsADirectory ||
      cause instanceof Deno.errors.NotADirectory
    ) return null;
    const reason = errorText(cause);
    throw new Error(`Cannot read "${path}": ${reason}`, { cause });
  }
}

function parseText(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Comments, most likely; of mistakes, the other parser says where they are.
  }
  if (parseMore === null) throw new PlainJsonError(path);
  try {
    return parseMore(text);
  } catch (cause) {
    const reason = errorText(cause);
    const position = Number(/at position (\d+)/.exec(reason)?.[1] ?? text.length);
    const line = text.slice(0, position).split("\n").length;
    throw new Error(
      `${reason.replace(/ at position \d+$/, "")}, at ${path}:${line}: correct that line`,
      { cause },
    );
  }
}
