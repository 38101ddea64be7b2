/**
 * Text of others: of clients, workers, files and servers. Nobody can end a line of the log with it, or
 * send commands to the terminal that shows it. Pure; it runs in the master and in workers.
 *
 * @module
 */

/**
 * What does not stand for itself: control characters (C0, DEL, C1: ISO 6429), what changes the direction
 * of a text (Unicode Standard Annex 9), separators of lines and paragraphs, the byte order mark, and
 * halves of surrogate pairs. The body of a character class, for expressions with the flag `u`.
 */
export const UNPRINTABLE =
  "\\p{Cc}\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff";

const ANY = new RegExp(`[${UNPRINTABLE}]`, "u");
const EVERY = new RegExp(ANY, "gu");
const EVERY_BUT_LINE_END = new RegExp(`(?!\\n)[${UNPRINTABLE}]`, "gu");

/** The text as one line that can be shown: what cannot be printed is written as `\u001b`. */
export function printable(text: string): string {
  return ANY.test(text) ? text.replace(EVERY, escapedCharacter) : text;
}

/** As {@linkcode printable}, of a text in lines that end with U+000A. */
export function printableLines(text: string): string {
  return ANY.test(text) ? text.replace(EVERY_BUT_LINE_END, escapedCharacter) : text;
}

/** As {@linkcode printable}, with `stand` in the place of each character that cannot be printed. */
export function masked(text: string, stand: string): string {
  return ANY.test(text) ? text.replace(EVERY, stand) : text;
}

/** As JSON has it: `\u001b`. */
export function escapedCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** At most so many characters of a text, as one printable line; `…` stands for what is left out. */
export function excerpt(text: string, most: number): string {
  return text.length > most ? `${printable(text.slice(0, most))}…` : printable(text);
}

const SPACE = 0x20;
const TAB = 0x09;
const DELETE = 0x7f;

/** The text without spaces and tabs at its ends: "optional whitespace" of HTTP (RFC 9110, 5.6.3). */
export function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** True if nothing in it is a control character but tabs: what a header may hold (RFC 9110, 5.5). */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < SPACE && code !== TAB) || code === DELETE) return false;
  }
  return true;
}
