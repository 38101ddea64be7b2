/**
 * Renders `--help` and the explanation of one option from the tables that implement them.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { nearestName } from "../nearest_name.ts";
import { GROUPS, type NamedRow, namesOf } from "../config/kinds/option_row.ts";
import { allNames, findOptionKey, findRow, OPTIONS, ROWS } from "../config/options.ts";
import type { OnChange } from "../config/kinds/option_spec.ts";
import { uwsgiOptions } from "../config/options/uwsgi_options.ts";

const WIDTH = 100;
const HELP_COLUMN = 34;

const USAGE = `Usage: duwsgi [OPTIONS] [FILE.ini[:SECTION]]...

Runs a Deno script in several worker processes that share listening sockets, and replaces them
without losing a request. Options may be written on the command line, as --name value, and in INI
files, as name = value. Details of one: duwsgi --help NAME. Commands for an instance that runs:
duwsgi ctl help. What it is doing: duwsgi top. A first app: duwsgi init [DIRECTORY].`;

const ON_CHANGE: Readonly<Record<OnChange, string>> = {
  master: "A reload makes a changed value take effect at once.",
  workers: "A reload makes a changed value take effect as workers are replaced.",
  exec: "A reload makes a changed value take effect: the master's program is replaced in place.",
  restart:
    "A changed value takes effect when the master is stopped and started; a reload names it.",
};

/** All options in groups, at most 100 columns wide, ending in a line break. */
export function renderHelp(): string {
  const groups = GROUPS.map((group) => {
    const rows = ROWS.filter((row) => row.group === group);
    return [`${group}:`, ...rows.flatMap(summaryLines)].join("\n");
  });
  return `${[USAGE, ...groups].join("\n\n")}\n`;
}

/**
 * One option, directive or command in full; dashes in front of the name are ignored. For a name
 * that does not exist, one line that says so, with the nearest name or what uWSGI's option became.
 */
export function renderOptionHelp(name: string): string {
  const plain = name.replace(/^-+/, "");
  const row = findRow(plain) ?? ROWS.find(({ short }) => short !== "" && short === plain);
  if (row === undefined) return `${unknownTopic(plain)}\n`;
  const parts = [
    ...wrap(commandLineNames(row), "", "  "),
    ...wrap(`${row.help}.`, "  "),
    ...row.details.split("\n\n").filter((text) => text !== "").flatMap(wrapParagraph),
    "",
    ...factsOf(row).flatMap(([label, text]) => wrap(`${label}: ${text}`, "  ", "    ")),
    "  Example:",
    ...row.example.split("\n").map((line) => `    ${line}`),
  ];
  return `${parts.join("\n")}\n`;
}

function unknownTopic(name: string): string {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  const hint = uwsgiOptions().get(name);
  if (hint !== undefined) {
    return `"${shown}" is a uWSGI option that duwsgi lacks${hint === "" ? "" : `: ${hint}`}`;
  }
  const nearest = nearestName(name, allNames());
  const advice = nearest === null ? "see --help for all options" : `did you mean "${nearest}"?`;
  return `Unknown option "${shown}": ${advice}`;
}

function summaryLines(row: NamedRow): string[] {
  const names = commandLineNames(row);
  const help = wrap(row.help, " ".repeat(HELP_COLUMN));
  if (names.length + 4 > HELP_COLUMN) return [...wrap(names, "  ", "    "), ...help];
  const [first = "", ...more] = help;
  return [`  ${names}`.padEnd(HELP_COLUMN) + first.trimStart(), ...more];
}

/** `-p, --processes, --workers N`; names of blocks as they are written in files. */
function commandLineNames(row: NamedRow): string {
  const short = row.short === "" ? [] : [`-${row.short}`];
  const long = namesOf(row).map((name) => `--${name}`);
  return [...short, ...long].join(", ") + (row.argument === "" ? "" : ` ${row.argument}`);
}

/** Default, repetition and reload of an option, as label and text; empty for directives and commands. */
export function factsOf(row: NamedRow): [label: string, text: string][] {
  const key = findOptionKey(row.name);
  if (key === undefined) return [];
  const { kind, onChange } = OPTIONS[key];
  return [
    ["Default", defaultOf(key)],
    ["Used several times", kind.repeatable ? "every use counts" : "the last one counts"],
    ["Reload", ON_CHANGE[onChange]],
  ];
}

function defaultOf<K extends keyof Config>(key: K): string {
  const { defaultText, kind, default: unset } = OPTIONS[key];
  return defaultText ?? (kind.write(unset).map(({ value }) => value).join(", ") || "none");
}

/** A terminal shows no Markdown. */
function wrapParagraph(paragraph: string): string[] {
  return ["", ...wrap(paragraph.replaceAll("**", "").replaceAll("`", ""), "  ")];
}

/** Breaks a text at spaces into lines of at most the width of the help. */
function wrap(text: string, indent: string, hanging = indent): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const prefix = lines.length === 0 ? indent : hanging;
    if (line !== "" && prefix.length + line.length + 1 + word.length > WIDTH) {
      lines.push(prefix + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, (lines.length === 0 ? indent : hanging) + line];
}
