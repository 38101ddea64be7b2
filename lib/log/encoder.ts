/**
 * How an entry looks: the encoders of `log-encoder` and `log-req-encoder`, one after the other. Pure.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import type { EntryLevel, LogEntry } from "./entry.ts";
import { lineHead, localTime, whoPrints } from "./line_head.ts";
import { strftime } from "./strftime.ts";

/** Name of an encoder; `object` is our own `json` without a template. */
export type EncoderName = "text" | "object" | "format" | "json" | "prefix" | "suffix" | "nl";

/** One encoder and what it was given. */
export interface Encoder {
  /** Which one. */
  readonly name: EncoderName;
  /** Template or text; empty where there is none. */
  readonly argument: string;
}

/** Turns an entry into what is written. */
export type EntryWriter = (entry: LogEntry) => string;

/** How entries look before the first encoder. */
export interface PlainForm {
  /** strftime(3) format of the date before each entry (`log-date`); null: as the logger does it. */
  readonly date: string | null;
  /** True where the target has date and level itself, as syslog does. */
  readonly bare: boolean;
}

/** Composes a form and a chain of encoders. */
export function entryWriter(form: PlainForm, encoders: readonly Encoder[]): EntryWriter {
  const [first, ...rest] = encoders.filter(({ name }) => name !== "text");
  if (first === undefined) return (entry) => headed(entry, form);
  const steps = [first, ...rest].map(step);
  const begin = beginning(first, form);
  return (entry) => steps.reduce((text, next) => next(text, entry), begin(entry));
}

/** What the first encoder is given: what it writes itself is not there twice. */
function beginning({ name, argument }: Encoder, form: PlainForm): EntryWriter {
  // An object has date and level in fields of their own.
  if (name === "object") return ({ text }) => text;
  const isTemplate = name === "format" || name === "json";
  if (!isTemplate || form.date !== null || form.bare) return (entry) => dated(entry, form);
  const time = /\$\{(unix|millis|micros|strftime:)/.test(argument);
  const level = argument.includes("${level}");
  return (entry) => {
    if (entry.logger !== "duwsgi") return entry.text;
    return (time ? "" : `${localTime(entry.at)} `) + (level ? "" : `${entry.level} `) + entry.text;
  };
}

/** Without any encoder: every line says when, how much it matters, and who. */
function headed(entry: LogEntry, form: PlainForm): string {
  const { at, level, logger, text, fields } = entry;
  const who = logger === "worker" || logger === "mule" ? whoPrints(fields) : "";
  if (form.date !== null || form.bare || who === "") return dated(entry, form);
  return lineHead(at, level, who) + text;
}

type Step = (text: string, entry: LogEntry) => string;

function step({ name, argument }: Encoder): Step {
  switch (name) {
    case "object":
      return (text, entry) => entry.isObject ? entry.text : entryObject(text, entry);
    case "format":
      return template(argument, (value) => value);
    case "json":
      return template(argument, escaped);
    case "prefix":
      return (text) => argument + text;
    case "suffix":
      return (text) => text + argument;
    case "nl":
      return (text) => text + "\n";
    case "text":
      return (text) => text;
  }
}

/** As it is, but for the date of `log-date`, and date and level of the master's own lines. */
function dated(entry: LogEntry, { date, bare }: PlainForm): string {
  // A request has its own date, where its format wants one.
  if (bare || entry.logger === "request") return entry.text;
  const ours = entry.logger === "duwsgi";
  if (date !== null) {
    const text = ours ? `${entry.level} ${entry.text}` : entry.text;
    return `${strftime(date, new Date(entry.at))} - ${text}`;
  }
  return ours ? lineHead(entry.at, entry.level, "") + entry.text : entry.text;
}

const LEVELS: Readonly<Record<EntryLevel, string>> = {
  debug: "DEBUG",
  info: "INFO",
  warning: "WARN",
  error: "ERROR",
  fatal: "FATAL",
};

/** One JSON object, in the shape of LogTape's JSON Lines. */
function entryObject(text: string, { at, level, logger, fields }: LogEntry): string {
  const object = JSON.stringify({
    "@timestamp": new Date(at).toISOString(),
    level: LEVELS[level],
    message: text,
    logger,
    properties: fields,
  });
  // JSON escapes some control characters only; what is escaped beside them has the same meaning.
  return printable(object);
}

/** What stands between `${` and `}` in a template. */
const VARIABLE = /\$\{([^{}]*)\}/g;

/** The variables of uWSGI, and our own: who writes. */
function variable(name: string, text: string, entry: LogEntry): string {
  if (name.startsWith("strftime:")) return strftime(name.slice(9), new Date(entry.at));
  switch (name) {
    case "msg":
      return text.replace(/\n$/, "");
    case "msgnl":
      return text.endsWith("\n") ? text : text + "\n";
    case "unix":
      return String(Math.floor(entry.at / 1000));
    case "millis":
      return String(Math.floor(entry.at));
    case "micros":
      return String(Math.floor(entry.at * 1000));
    case "level":
      return entry.level;
    case "logger":
      return entry.logger;
    default:
      return printable(String(entry.fields[name] ?? ""));
  }
}

function template(argument: string, escape: (value: string) => string): Step {
  return (text, entry) =>
    argument.replace(VARIABLE, (_written, name: string) => escape(variable(name, text, entry)));
}

/** A text inside of a JSON string. */
function escaped(value: string): string {
  return printable(JSON.stringify(value).slice(1, -1));
}
