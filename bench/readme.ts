/**
 * Keeps the measured numbers in `bench/README.md`: each bench owns what is between its two markers.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";

const README = fromFileUrl(new URL("./README.md", import.meta.url));

/** Writes a section of `bench/README.md`, formatted as `deno fmt` wants it. */
export async function recordSection(section: string, body: string): Promise<void> {
  const text = Deno.readTextFileSync(README);
  Deno.writeTextFileSync(README, replaceSection(text, section, body));
  const command = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", README] });
  const { success } = await command.spawn().status;
  if (!success) throw new Error(`Cannot format ${README}`);
}

/**
 * The text with another body between `<!-- section -->` and `<!-- /section -->`.
 *
 * @throws {Error} If the markers are not there, once each and in this order.
 */
export function replaceSection(text: string, section: string, body: string): string {
  const [before, rest, ...twice] = text.split(`<!-- ${section} -->`);
  const [, after, ...again] = (rest ?? "").split(`<!-- /${section} -->`);
  if (before === undefined || after === undefined || twice.length > 0 || again.length > 0) {
    throw new Error(`Cannot find one section "${section}" between its markers: add them`);
  }
  return `${before}<!-- ${section} -->\n\n${body.trim()}\n\n<!-- /${section} -->${after}`;
}

/** A Markdown table. Numbers are aligned to the right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => rows.every((row) => typeof row[i] === "number") ? "--:" : "---");
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
