/**
 * What a configuration asks of the log beyond plain lines on standard error.
 *
 * @module
 */

import type { Config } from "./config.ts";
import { type EncoderLine, parseLogTarget } from "./values/log_line.ts";
import type { Encoder } from "../log/encoder.ts";

/** The options that need more, in the order in which they are named. */
export function logKeysSet(config: Config): (keyof Config)[] {
  return [...fileKeysSet(config), ...(asksForTargets(config) ? targetKeys(config) : [])];
}

/** The options that put a file, or an address, in the place of standard error. */
export function fileKeysSet(config: Config): ("daemonize" | "daemonize2" | "logto" | "logto2")[] {
  return (["daemonize", "daemonize2", "logto", "logto2"] as const).filter((key) =>
    config[key] !== ""
  );
}

/** True if the log of the instance is no plain text on standard error. */
export function shapesLog(config: Config): boolean {
  const { loggers, logEncoders, logDate, logDrains, logFilters } = config;
  return logDate !== null || chainFor(logEncoders, "").length > 0 ||
    loggers.length + logDrains.length + logFilters.length > 0 ||
    logEncoders.some(({ id }) => id !== "") || writesDatagrams(config);
}

/**
 * True if standard error is a socket: a write there fails when nobody has received the one before
 * (udp(7), ECONNREFUSED), and that must not happen to an app that knows nothing of it.
 */
function writesDatagrams({ logto, logto2 }: Config): boolean {
  return [logto, logto2].some((text) => text !== "" && parseLogTarget(text).kind !== "unix");
}

/** True if the request log goes its own way. */
export function shapesRequests(
  config: Pick<Config, "reqLoggers" | "logReqEncoders" | "logReqRoutes">,
): boolean {
  const { reqLoggers, logReqEncoders, logReqRoutes } = config;
  return reqLoggers.length + logReqEncoders.length + logReqRoutes.length > 0;
}

/** What says how requests look. */
export type EncodingConfig = Pick<
  Config,
  "logEncoders" | "logReqEncoders" | "reqLoggers" | "logReqRoutes"
>;

/** True if each line of the request log is a JSON object with fields of its own. */
export function requestsAreObjects(config: EncodingConfig): boolean {
  const { logEncoders, logReqEncoders } = config;
  const chain = chainFor(shapesRequests(config) ? logReqEncoders : logEncoders, "");
  return chain[0]?.name === "object";
}

/** True if each line of the log on standard error is a JSON object. */
export function logsObjects({ logEncoders }: Pick<Config, "logEncoders">): boolean {
  return chainFor(logEncoders, "")[0]?.name === "object";
}

/** The encoders for the logger of this name, in order; empty: for one without. */
export function chainFor(lines: readonly EncoderLine[], id: string): Encoder[] {
  const own = lines.filter((line) => line.id === "" || line.id === id);
  const start = own.findLastIndex(({ encoder }) => encoder.name === "text") + 1;
  const chain = own.slice(start).map(({ encoder }) => encoder);
  // A file says json and the command line says it again: that is no object in an object.
  const object = chain.findIndex(({ name }) => name === "object");
  return chain.filter(({ name }, index) => name !== "object" || index === object);
}

function asksForTargets(config: Config): boolean {
  return shapesLog(config) || shapesRequests(config);
}

function targetKeys(config: Config): (keyof Config)[] {
  const keys = ["loggers", "reqLoggers", "logEncoders", "logReqEncoders"] as const;
  return [...keys.filter((key) => config[key].length > 0), "logDate"];
}
