/**
 * Renders docs/options.md from the option table and the description of the dialect.
 *
 * @module
 */

import { factsOf } from "../lib/cli/help.ts";
import { MAGIC_VARIABLES } from "../lib/config/ini/magic.ts";
import { GROUPS, type NamedRow } from "../lib/config/kinds/option_row.ts";
import { ROWS, START_COMMANDS } from "../lib/config/options.ts";
import { DIFFERENCES, INTRODUCTION, SYNTAX } from "./dialect_reference.ts";

/** The reference of options, dialect and differences to uWSGI, as Markdown. */
export function renderReference(): string {
  const chapters = GROUPS.map((group) => {
    const rows = ROWS.filter((row) => row.group === group);
    return [`## ${group}`, ...rows.map(referenceEntry)].join("\n\n");
  });
  const magic = [
    "| Variable | Value |",
    "| --- | --- |",
    ...MAGIC_VARIABLES.map(({ letter, help }) => `| \`%${letter}\` | ${help} |`),
  ].join("\n");
  return `${[INTRODUCTION, ...chapters, SYNTAX, magic, DIFFERENCES].join("\n\n")}\n`;
}

function referenceEntry(row: NamedRow): string {
  const others = row.aliases.map((alias) => `\`${alias}\``);
  const letter = row.short === "" ? [] : [`\`-${row.short}\``];
  const also = [...others, ...letter];
  const value = row.argument === "" ? "" : ` \`${row.argument}\``;
  const isCommand = START_COMMANDS.some((command) => command === row);
  const facts = [
    ...also.length === 0 ? [] : [["Also", also.join(", ")]],
    ...factsOf(row),
  ];
  return [
    `### \`${row.name}\`${value}`,
    `${row.help}.`,
    ...row.details === "" ? [] : [row.details],
    ...facts.length === 0 ? [] : [facts.map(([label, text]) => `- ${label}: ${text}`).join("\n")],
    `\`\`\`${isCommand ? "sh" : "ini"}\n${row.example}\n\`\`\``,
  ].join("\n\n");
}
