/**
 * What the options of the request log come to.
 *
 * @module
 */

import type { RequestLogSettings } from "../protocol/request_log_settings.ts";
import { type EncodingConfig, requestsAreObjects } from "./log_needs.ts";
import type { RequestLogConfig } from "./options/request_log.ts";

/** The request log that a configuration asks for; null: none. */
export function requestLogSettings(
  config: RequestLogConfig & EncodingConfig,
): RequestLogSettings | null {
  const filters = {
    clientErrors: config.log4xx,
    serverErrors: config.log5xx,
    zero: config.logZero,
    slowMs: config.logSlow,
    bigBytes: config.logBig,
  };
  const wanted = config.logRequests || config.logFormat !== "" ||
    config.reqLoggers.length > 0 ||
    Object.values(filters).some((value) => value !== false && value !== 0);
  if (!wanted) return null;
  return {
    format: config.logFormat,
    json: requestsAreObjects(config),
    onlyMatches: config.disableLogging,
    filters,
    micros: config.logMicros,
    forwardedFor: config.logXForwardedFor,
    memory: config.memoryReport,
  };
}
