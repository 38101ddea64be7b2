/**
 * Runs in the master. Sets LogTape up to write to stderr: plain lines, coloured on a terminal, or one
 * JSON object per line.
 *
 * @module
 */

import type { Logger, LogRecord, TextFormatter } from "@logtape/logtape";
import type { LogLevel } from "../core/event.ts";
import type { LineWriter } from "../system/line_writer.ts";

/** How log lines look. */
export type LogEncoder = "text" | "json";

/** What machines read of a line; `event` names what happened. */
export type LogFields = Record<string, unknown>;

type Line = Omit<LogRecord, "category">;

let logger: Logger | null = null;
const early: Line[] = [];

/** Writes a line to the master's log. What comes before {@linkcode configureLog} is kept until then. */
export function logLine(level: LogLevel, text: string, fields: LogFields): void {
  // A record of its own, because LogTape's methods replace what stands in braces, and error texts are
  // full of them.
  const line: Line = {
    level,
    message: [text],
    rawMessage: text,
    timestamp: Date.now(),
    properties: fields,
  };
  if (logger === null) early.push(line);
  else logger.emit(line);
}

/** What was logged before {@linkcode configureLog}, for a program that ends before it comes to that. */
export function unwrittenLines(): string[] {
  return early.splice(0).map(({ rawMessage }) => String(rawMessage));
}

/**
 * Connects the log to `write`, and writes what has been kept. LogTape is loaded only here: it takes more
 * time than everything else a master needs to start its workers.
 */
export async function configureLog(encoder: LogEncoder, write: LineWriter): Promise<void> {
  const { configureSync, getLogger, ...formatters } = await import("@logtape/logtape");
  const format = formatter(encoder, formatters);
  configureSync({
    reset: true,
    sinks: { stderr: (record) => write(format(record)) },
    loggers: [
      { category: "duwsgi", sinks: ["stderr"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
  logger = getLogger("duwsgi");
  for (const line of early.splice(0)) logger.emit(line);
}

type Formatters = Pick<
  typeof import("@logtape/logtape"),
  "getAnsiColorFormatter" | "getJsonLinesFormatter" | "getTextFormatter"
>;

function formatter(encoder: LogEncoder, formatters: Formatters): TextFormatter {
  if (encoder === "json") return formatters.getJsonLinesFormatter();
  const colours = Deno.stderr.isTerminal() && !Deno.noColor;
  const make = colours ? formatters.getAnsiColorFormatter : formatters.getTextFormatter;
  return make({
    timestamp: "date-time",
    level: "full",
    format: ({ timestamp, level, message }) => `${timestamp} ${level} ${message}`,
  });
}
