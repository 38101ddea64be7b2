/**
 * What every name in the configuration has in common, be it an option, a directive or a command:
 * how it is called and how it is explained. Help and reference are made from nothing else.
 *
 * @module
 */

/** The chapters of help and reference, in their order. */
export const GROUPS = [
  "Workers",
  "Permissions",
  "Sockets",
  "Reloading and stopping",
  "Limits",
  "Scaling",
  "Control",
  "Beside the workers",
  "Process and privileges",
  "Stats",
  "Metrics",
  "Logging",
  "Monitoring",
  "Composing configurations",
  "Conditions and loops",
  "Commands",
] as const;

/** One chapter. */
export type Group = typeof GROUPS[number];

/** Names and explanations of one option, directive or command. */
export interface NamedRow {
  /** The name we prefer, in uWSGI's spelling where uWSGI has it. */
  readonly name: string;
  /** Other names for it; a `no-` or `if-not-` one says the opposite. */
  readonly aliases: readonly string[];
  /** uWSGI's letter for the command line, or empty. */
  readonly short: string;
  /** The chapter it is explained in. */
  readonly group: Group;
  /** What help calls the value, brackets around it if it may be left out; empty: there is none. */
  readonly argument: string;
  /** First sentence of the explanation, no period, for the list of all options. */
  readonly help: string;
  /** The rest of it, Markdown, possibly empty. */
  readonly details: string;
  /** One or more lines of an INI file, or one command line for what only exists there. */
  readonly example: string;
  /** True if a `%(name)` that is not defined is no mistake in its value: it means something there. */
  readonly ownPlaceholders?: boolean;
}

/** Everything a row is called. */
export function namesOf(row: NamedRow): readonly string[] {
  return [row.name, ...row.aliases];
}
