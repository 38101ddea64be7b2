/**
 * Text in columns: what a terminal shows of it, and how wide that is.
 *
 * @module
 */

import { masked } from "../foreign_text.ts";
import { stringWidth } from "../vendor/string_width.js";

/** How a piece of text stands out. */
export type Style = "plain" | "bold" | "dim" | "good" | "warn" | "bad" | "reverse";

/** A piece of text. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** A line of the screen. */
export type ScreenLine = readonly Span[];

/** A piece of text; what comes from elsewhere cannot command the terminal. */
export function span(text: string, style: Style = "plain"): Span {
  return { text: printable(text), style };
}

/** A line of one piece. */
export function line(text: string, style: Style = "plain"): ScreenLine {
  return [span(text, style)];
}

/** What cannot be printed as a question mark, which has the width of a character. */
function printable(text: string): string {
  return masked(text, "?");
}

/** How many columns a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** A text of at most so many columns: `…` stands for what is left out. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return "";
  let taken = "";
  let used = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += widthOf(segment);
    if (used > width - 1) break;
    taken += segment;
  }
  return `${taken}…`;
}

const GRAPHEMES = new Intl.Segmenter("en");

/** A text of exactly so many columns. */
export function padded(text: string, width: number, right = false): string {
  const fitting = shortened(text, width);
  const space = " ".repeat(Math.max(0, width - widthOf(fitting)));
  return right ? space + fitting : fitting + space;
}

/** A line of at most so many columns. */
export function fitted(spans: ScreenLine, width: number): ScreenLine {
  const kept: Span[] = [];
  let left = width;
  for (const { text, style } of spans) {
    if (left <= 0) break;
    const fitting = shortened(text, left);
    kept.push({ text: fitting, style });
    left -= widthOf(fitting);
    if (fitting !== text) break;
  }
  return kept;
}

/** A text in lines of at most so many columns, broken between words if it can be. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of printable(text).split(" ")) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (current !== "" && widthOf(longer) > width) {
      lines.push(current);
      current = word;
    } else {
      current = longer;
    }
  }
  return [...lines, current];
}

/** The columns that a line takes. */
export function lineWidth(spans: ScreenLine): number {
  return spans.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** The line without styles. */
export function plainText(spans: ScreenLine): string {
  return spans.map(({ text }) => text).join("").trimEnd();
}

/** ECMA-48, "select graphic rendition": only colours that every terminal has. */
const CODES: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  good: "32",
  warn: "33",
  bad: "31",
  reverse: "7",
};

/** Styles that stay without colours. */
const WITHOUT_COLOUR: readonly Style[] = ["bold", "reverse"];

/** The line as a terminal takes it. */
export function painted(spans: ScreenLine, colours: boolean): string {
  return spans.map(({ text, style }) => {
    const code = colours || WITHOUT_COLOUR.includes(style) ? CODES[style] : "";
    return code === "" ? text : `\x1b[${code}m${text}\x1b[0m`;
  }).join("");
}
