/**
 * What options of the log say together.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { fileKeysSet } from "../log_needs.ts";
import type { EncoderLine, LoggerLine, RouteLine } from "../values/log_line.ts";
import { formatOrigin, type Problems } from "../problem.ts";
import type { FindEntry } from "./scaling_rules.ts";

/** Reports what contradicts itself, and what has no effect. */
export function checkLog(draft: Config, find: FindEntry, problems: Problems): void {
  const { loggers, reqLoggers, logRoutes, logReqRoutes, logEncoders, logReqEncoders } = draft;
  checkNames(loggers, "logger", [...logRoutes, ...logEncoders], problems);
  checkNames(reqLoggers, "req-logger", [...logReqRoutes, ...logReqEncoders], problems);
  const [first, second] = fileKeysSet(draft);
  const entry = second && find(second);
  if (first !== undefined && entry !== undefined) {
    const where = `"${entry.key}" at ${formatOrigin(entry.origin)}`;
    problems.error(entry.origin, `${where} contradicts ${first}: remove one of the two`);
  }
  warnAboutNoEffect(draft, find, problems);
}

function checkNames(
  loggers: readonly LoggerLine[],
  option: string,
  lines: readonly (RouteLine | EncoderLine)[],
  problems: Problems,
): void {
  const known = new Set(loggers.map(({ id }) => id));
  for (const { id, option: name, origin } of lines) {
    if (id === "" || known.has(id)) continue;
    const advice = `add ${option} = ${id} file:PATH, or another target`;
    problems.error(
      origin,
      `"${name}" at ${formatOrigin(origin)} names no ${option}, "${id}": ${advice}`,
    );
  }
}

function warnAboutNoEffect(draft: Config, find: FindEntry, problems: Problems): void {
  const warn = (key: keyof Config, message: string) => {
    const entry = find(key);
    if (entry === undefined) return;
    problems.warning(entry.origin, `"${entry.key}" at ${formatOrigin(entry.origin)} ${message}`);
  };
  if (hasFile(draft)) {
    if (draft.logKeep > 0 && keepsNothing(draft)) {
      warn("logKeep", "has no effect: with log-backupname each rotation replaces the last one");
    }
    return;
  }
  const advice = "has no effect: there is no log file without logto, daemonize or a logger";
  const lists = ["touchLogreopen", "touchLogrotate", "logBackupname", "logfileChown"] as const;
  for (const key of lists) {
    if (draft[key].length > 0) warn(key, advice);
  }
  if (draft.logMaxsize > 0) warn("logMaxsize", advice);
  if (draft.logKeep > 0) warn("logKeep", advice);
}

/** True if no rotation gives a name of its own. */
function keepsNothing(draft: Config): boolean {
  const named = draft.logBackupname !== "";
  if (fileKeysSet(draft).length > 0 && !named) return false;
  const files = [...draft.loggers, ...draft.reqLoggers].flatMap(({ target }) =>
    target.kind === "file" ? [target] : []
  );
  return files.every(({ backupname }) => backupname !== "");
}

function hasFile(draft: Config): boolean {
  return fileKeysSet(draft).length > 0 ||
    [...draft.loggers, ...draft.reqLoggers].some(({ target }) => target.kind === "file");
}
