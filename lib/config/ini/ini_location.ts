/**
 * Understands how an INI file is named: `file`, `file:section`, `:section` or `-`.
 *
 * @module
 */

import type { MagicFile } from "./magic.ts";
import type { ConfigSource } from "../source.ts";
import { STDIN_NAME } from "./text_files.ts";

/**
 * The file and section that `text` names.
 *
 * @param current The file in which it is written, if any: what `:section` refers to.
 * @throws {SyntaxError} When it names none; the message continues a sentence: `needs …`.
 */
export function locateIni(
  text: string,
  current: MagicFile | undefined,
  source: ConfigSource,
): MagicFile {
  if (text === "") throw new SyntaxError("needs the name of a file");
  if (text === STDIN_NAME) return { name: text, section: "" };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new SyntaxError(
      `cannot read "${text}": only files and - for standard input are possible`,
    );
  }
  const file = source.kind(text) === "file" ? { name: text, section: "" } : split(text, current);
  if (/\.(ya?ml|json|js|xml)$/i.test(file.name)) {
    throw new SyntaxError(`cannot read "${file.name}": only INI files are possible`);
  }
  if (source.kind(file.name) === "directory") {
    throw new SyntaxError(`cannot read "${file.name}": it is a directory`);
  }
  return file;
}

function split(text: string, current: MagicFile | undefined): MagicFile {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { name: text, section: "" };
  const section = text.slice(colon + 1).trim();
  if (colon > 0) return { name: text.slice(0, colon), section };
  if (current === undefined) throw new SyntaxError(`needs a file in front of "${text}"`);
  return { name: current.name, section };
}
