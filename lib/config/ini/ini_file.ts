/**
 * Reads one section of an INI file that was asked for: replaces magic variables, and says what to do
 * when there is no such section.
 *
 * @module
 */

import type { SettingLine } from "./entry.ts";
import type { ExpansionScope } from "./expand.ts";
import { readSection } from "./ini.ts";
import { expandMagic, type MagicFile } from "./magic.ts";
import { nearestName } from "../../nearest_name.ts";
import { formatOrigin, STDIN } from "../problem.ts";
import { STDIN_NAME } from "./text_files.ts";
import type { Origin } from "../origin.ts";

/** The name of a file in messages. */
export function shownName(file: MagicFile): string {
  return file.name === STDIN_NAME ? STDIN : file.name;
}

/** The section that is read of a file: the one asked for, or uWSGI's own. */
export function sectionOf(file: MagicFile): string {
  return file.section || "uwsgi";
}

/**
 * The lines of the section asked for, magic variables replaced.
 *
 * @param text The text of the innermost file.
 * @param files The files being read, outermost first, at least one.
 * @throws {SyntaxError} When there is no such section; the message continues a sentence: `asks …`.
 */
export function sectionLines(
  text: string,
  files: readonly MagicFile[],
  { source, allowance, problems }: ExpansionScope,
): readonly SettingLine[] {
  const [outermost, file] = [files[0], files.at(-1)];
  if (outermost === undefined || file === undefined) throw new RangeError("There is no file");
  allowance.spendCharacters(text.length);
  const context = { source, file: named(file), outermost: named(outermost) };
  const substitute = (raw: string, origin: Origin) => {
    const expanded = expandMagic(raw, context, (sequence) => {
      const what = `"${sequence}" at ${formatOrigin(origin)} is no magic variable`;
      problems.error(origin, `${what}: write %% for a percent sign`);
    });
    allowance.spendCharacters(expanded.length);
    return expanded;
  };
  const [shown, wanted] = [shownName(file), sectionOf(file)];
  const { lines, names } = readSection(text, shown, wanted, substitute, problems);
  if (lines !== null) return lines;
  const nearest = nearestName(wanted, names);
  const advice = nearest === null ? `add the header [${wanted}]` : `did you mean [${nearest}]?`;
  throw new SyntaxError(`asks for the section [${wanted}], which ${shown} lacks: ${advice}`);
}

/** To magic variables, standard input has no name. */
function named(file: MagicFile): MagicFile {
  return file.name === STDIN_NAME ? { name: "", section: file.section } : file;
}
