/**
 * Runs in the master. Sets LogTape up to write to stderr: plain lines, coloured on a terminal, or one
 * JSON object per line.
 *
 * @module
 */

import {
  configureSync,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type TextFormatter,
} from "@logtape/logtape";
import type { LineWriter } from "../system/line_writer.ts";

/** How log lines look. */
export type LogEncoder = "text" | "json";

/** Severity of a line. */
export type LogLevel = "info" | "warning" | "error";

/**
 * Writes a line to the master's log. `fields` is what machines read; `event` names what happened.
 *
 * The text is taken as it is, while LogTape replaces what stands in braces: error texts are full of them.
 */
export function logLine(
  level: LogLevel,
  text: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  const template = text.replaceAll("{", "{{").replaceAll("}", "}}");
  const logger = getLogger("duwsgi");
  if (level === "info") logger.info(template, fields);
  else if (level === "warning") logger.warn(template, fields);
  else logger.error(template, fields);
}

/** Connects the logger to `write`; may be called again when the configuration has changed. */
export function configureLog(encoder: LogEncoder, write: LineWriter): void {
  const format = formatter(encoder);
  configureSync({
    reset: true,
    sinks: { stderr: (record) => write(format(record)) },
    loggers: [
      { category: "duwsgi", sinks: ["stderr"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

function formatter(encoder: LogEncoder): TextFormatter {
  if (encoder === "json") return getJsonLinesFormatter();
  const options = {
    timestamp: "date-time",
    level: "full",
    format: (
      { timestamp, level, message }: { timestamp: string | null; level: string; message: string },
    ) => `${timestamp} ${level} ${message}`,
  } as const;
  const colours = Deno.stderr.isTerminal() && !Deno.noColor;
  return colours ? getAnsiColorFormatter(options) : getTextFormatter(options);
}
