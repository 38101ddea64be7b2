/**
 * Makes texts of others harmless in a line of the log: nobody can end the line, end a quoted text, or
 * send commands to the terminal that shows it.
 *
 * @module
 */

import { escapedCharacter, UNPRINTABLE } from "../../foreign_text.ts";

/** What ends a line or a quoted text, and whatever cannot be printed. */
const SPECIAL = new RegExp(`["\\\\${UNPRINTABLE}]`, "u");
const EVERY_SPECIAL = new RegExp(SPECIAL, "gu");

/** The text as it stands inside a JSON string, which is also how it stands in a line without JSON. */
export function escapeText(text: string): string {
  return SPECIAL.test(text) ? text.replace(EVERY_SPECIAL, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  return escapedCharacter(character);
}
