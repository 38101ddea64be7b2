/**
 * Runs in the master. Its log: plain lines that LogTape writes to stderr, coloured on a terminal, or
 * entries for the targets of the instance.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import type { LogRecord } from "@logtape/logtape";
import type { LogLevel } from "../core/event.ts";
import { lazyImport } from "../lazy_import.ts";
import { localTime } from "../log/line_head.ts";
import type { LogEntry } from "../log/entry.ts";
import type { EntrySink } from "../log/stream.ts";
import type { LineWriter } from "../system/files/line_writer.ts";

/** What machines read of a line; `event` names what happened. */
export type LogFields = Record<string, unknown>;

/** A line of the log, as LogTape takes it. */
export type LogRecordLine = Omit<LogRecord, "category">;

/** Takes lines of the log. */
export type LogSink = (line: LogRecordLine) => void;

/** From the least important to the most. */
const LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"] as const;

let taker: LogSink | null = null;
let lowest: LogLevel = "info";
const early: LogRecordLine[] = [];

/** Writes a line to the master's log, whatever is in the text: it may quote others. What comes before {@linkcode configureLog} is kept until then. */
export function logLine(level: LogLevel, text: string, fields: LogFields): void {
  // A record of its own, because LogTape's methods replace what stands in braces, and error texts are
  // full of them.
  const shown = printable(text);
  const line: LogRecordLine = {
    level,
    message: [shown],
    rawMessage: shown,
    timestamp: Date.now(),
    properties: fields,
  };
  if (taker === null) early.push(line);
  else taker(line);
}

/**
 * From now on lines go there, and those that were kept before: in this order. Null: they are kept again.
 */
export function setLogSink(next: LogSink | null): void {
  taker = next;
  if (next !== null) { for (const line of early.splice(0)) next(line); }
}

/** From now on {@linkcode configureLog}'s log has no lines below this level; programs that take lines get all. */
export function setLogLevel(level: LogLevel): void {
  lowest = level;
}

/** What was logged before {@linkcode configureLog}, for a program that ends before it comes to that. */
export function unwrittenLines(): LogRecordLine[] {
  return early.splice(0);
}

/**
 * Connects the log, and writes what has been kept. LogTape is loaded only here: it takes more time than
 * everything else a master needs to start its workers.
 *
 * @param write Takes plain lines.
 * @param sink Takes entries instead; null: plain lines are wanted.
 */
export async function configureLog(write: LineWriter, sink: EntrySink | null): Promise<void> {
  const take = sink === null
    ? await plainLines(write)
    : (line: LogRecordLine) => sink([entryOf(line)]);
  setLogSink((line) => {
    if (LEVELS.indexOf(line.level) >= LEVELS.indexOf(lowest)) take(line);
  });
}

/** The lines as `log-encoder = json` has them, for a program that ends before there is a log. */
export async function asObjects(lines: readonly LogRecordLine[]): Promise<string[]> {
  const { entryWriter } = await lazyImport<typeof import("../log/encoder.ts")>(
    import.meta.resolve("../log/encoder.ts"),
  );
  const write = entryWriter({ date: null, bare: false }, [{ name: "object", argument: "" }]);
  return lines.map((line) => write(entryOf(line)));
}

function entryOf({ level, rawMessage, timestamp, properties }: LogRecordLine): LogEntry {
  return {
    level: level === "trace" ? "debug" as const : level,
    text: String(rawMessage),
    at: timestamp,
    logger: "duwsgi",
    fields: properties,
  };
}

/** LogTape, as one file: npm's form of it is 7 MB of the master, see `tools/vendor.ts`. */
export function logLibrary(): Promise<typeof import("@logtape/logtape")> {
  return lazyImport(import.meta.resolve("../vendor/logtape.js"));
}

async function plainLines(write: LineWriter): Promise<LogSink> {
  const { configureSync, getAnsiColorFormatter, getLogger, getTextFormatter } = await logLibrary();
  const colours = Deno.stderr.isTerminal() && !Deno.noColor;
  const make = colours ? getAnsiColorFormatter : getTextFormatter;
  const format = make({
    timestamp: localTime,
    level: "full",
    format: ({ timestamp, level, message }) => `${timestamp} ${level} ${message}`,
  });
  configureSync({
    reset: true,
    sinks: { stderr: (record) => void write(format(record)) },
    loggers: [
      { category: "duwsgi", sinks: ["stderr"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
  const logger = getLogger("duwsgi");
  return (line) => logger.emit(line);
}
