/**
 * The lines of `cron` and `cron2`.
 *
 * @module
 */

import type { CronSchedule } from "../../core/policies/cron_schedule.ts";
import { keyValues, wholeNumber } from "./key_values.ts";
import type { OptionLine } from "../origin.ts";

/** A command and when it is started. */
export interface CronLine extends OptionLine {
  /** When it is started. */
  readonly schedule: CronSchedule;
  /** For /bin/sh. */
  readonly command: string;
  /** Not started while the one before still runs. */
  readonly unique: boolean;
  /** How long it may run before it is killed, in milliseconds; null: as long as it likes. */
  readonly harakiriMs: number | null;
}

type Field = keyof CronSchedule;

/** The fields in the order of a `cron` line, and the values each may have. */
const FIELDS: readonly (readonly [field: Field, smallest: number, largest: number])[] = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day", 1, 31],
  ["month", 1, 12],
  ["week", 0, 7],
];

const KEYS = {
  minute: "minute",
  hour: "hour",
  day: "day",
  month: "month",
  week: "week",
  unique: "unique",
  harakiri: "harakiri",
} as const;

/**
 * Reads the value of `cron`, `unique-cron` (five numbers and a command) or `cron2` (keys and a command).
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseCronLine(line: OptionLine): CronLine {
  return line.option === "cron2" ? parseKeyed(line) : parsePositional(line);
}

function parsePositional(line: OptionLine): CronLine {
  const words = line.text.trim().split(/\s+/);
  const command = /^\s*(?:\S+\s+){5}([^]+)$/.exec(line.text)?.[1]?.trim() ?? "";
  if (command === "") {
    throw new SyntaxError(
      'expects "MINUTE HOUR DAY MONTH WEEKDAY COMMAND", such as "30 4 -1 -1 -1 ./backup", where -1 ' +
        `is any and -N every N; it has only ${words.length} of the 6 words`,
    );
  }
  return {
    ...line,
    schedule: schedule((_field, index) => words[index] ?? ""),
    command,
    unique: line.option === "unique-cron",
    harakiriMs: null,
  };
}

function parseKeyed(line: OptionLine): CronLine {
  const [, keys = "", command = ""] = /^\s*([^\s=]*=\S*)\s+([^]+)$/.exec(line.text) ?? [];
  if (command.trim() === "") {
    throw new SyntaxError('expects "KEY=VALUE,… COMMAND", such as "minute=-5,unique=1 ./poll"');
  }
  const values = keyValues(keys, KEYS);
  const harakiri = values.get("harakiri");
  return {
    ...line,
    schedule: schedule((field) => values.get(field) ?? "-1"),
    command: command.trim(),
    unique: wholeNumber("unique", values.get("unique") ?? "0", 0, 1) === 1,
    harakiriMs: harakiri === undefined ? null : wholeNumber("harakiri", harakiri, 1, 86_400) * 1000,
  };
}

function schedule(textOf: (field: Field, index: number) => string): CronSchedule {
  const values = FIELDS.map(([field, smallest, largest], index) => {
    const text = textOf(field, index);
    // 0 as a day of the month never comes, and is a slip for -1.
    if (/^0+$/.test(text) && smallest === 1) return wholeNumber(field, text, 1, largest);
    return wholeNumber(field, text, -largest, largest);
  });
  return Object.fromEntries(
    FIELDS.map(([field], i) => [field, values[i]]),
  ) as unknown as CronSchedule;
}
