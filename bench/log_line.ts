/**
 * What the lines of a master's log say, read from the text that people see: with `log-encoder = json`
 * workers would load what encodes their lines, and that is not what is measured.
 *
 * @module
 */

/** One line of the master's log. */
export interface InstanceEvent {
  /** What happened; empty: nothing that a bench waits for. */
  readonly event: string;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  readonly message: string;
  /** What the line says beside that, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

/** See `lib/log/line_head.ts`. */
const LINE =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) ([+-]\d\d:\d\d) (?:info|warning|error) (.*)$/;
const RELOAD = "(?:Chain reload|Reload of the workers|Reload)";

/** Names of the events, and how their lines begin. */
const EVENTS: readonly (readonly [event: string, line: RegExp])[] = [
  ["socket", /^Socket (?:https?:\/\/)?(?<address>\S+?)(?:, a queue for each worker)?$/],
  ["ready", /^(?:All \d+ workers accept|The worker accepts) after (?<afterMs>\d+) ms$/],
  ["accepting", /^worker \d+ \(pid (?<pid>\d+),.*\) accepting after /],
  ["gone", /^worker \d+ \(.*\) is gone: /],
  ["scaling", /^Scaling from /],
  ["rollingBack", /^Going back to generation /],
  ["reloadFinished", new RegExp(`^${RELOAD} (?<outcome>done|failed)(?: in | after |: )`)],
  ["reloadRequested", new RegExp(`^${RELOAD}(?:: | asked for )`)],
];

/** Reads a line; null: it is none of the master's. */
export function parseEvent(line: string): InstanceEvent | null {
  const [, date, time, offset, message] = LINE.exec(line) ?? [];
  if (message === undefined) return null;
  const at = Date.parse(`${date}T${time}${offset}`);
  for (const [event, pattern] of EVENTS) {
    const match = pattern.exec(message);
    if (match !== null) return { event, at, message, fields: { ...match.groups } };
  }
  return { event: "", at, message, fields: {} };
}
