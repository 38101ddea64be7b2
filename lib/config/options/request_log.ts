/**
 * The options of the request log.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** What is logged of requests. */
export interface RequestLogConfig {
  /** Log every request (`log-requests`). @default false */
  readonly logRequests: boolean;
  /** Log only what a filter matches (`disable-logging`). @default false */
  readonly disableLogging: boolean;
  /** How a line looks (`log-format`). Empty: the default line. */
  readonly logFormat: string;
  /** Filter: status 400 to 499 (`log-4xx`). @default false */
  readonly log4xx: boolean;
  /** Filter: status 500 to 599 (`log-5xx`). @default false */
  readonly log5xx: boolean;
  /** Filter: took at least this many milliseconds (`log-slow`). @default 0 */
  readonly logSlow: number;
  /** Filter: responses without a body (`log-zero`). @default false */
  readonly logZero: boolean;
  /** Filter: at least this many bytes (`log-big`). @default 0 */
  readonly logBig: number;
  /** Microseconds instead of milliseconds (`log-micros`). @default false */
  readonly logMicros: boolean;
  /** The client is the one X-Forwarded-For names (`log-x-forwarded-for`). @default false */
  readonly logXForwardedFor: boolean;
  /** Memory in the default line (`memory-report`). @default false */
  readonly memoryReport: boolean;
}

/** Their rows. */
export const REQUEST_LOG_OPTIONS: OptionRows<RequestLogConfig> = {
  logRequests: {
    ...flag("log-requests"),
    help: "Log every request",
    details:
      "uWSGI's workers do so unless told not to, but a worker override decides itself what it logs, so " +
      "here it is off. It is also on as soon as `log-format`, `req-logger`, or one of the filters is " +
      "given: `log-4xx`, `log-5xx`, `log-slow`, `log-zero`, `log-big`. Logged are " +
      "requests that servers of the `uwsgi` module answer. See request-log.md.",
    example: "log-requests = true",
  },
  disableLogging: {
    ...flag("disable-logging"),
    short: "L",
    help: "Log only requests that a filter matches",
    details:
      "A request is logged if at least one of the filters matches, or when the script has called " +
      "`uwsgi.log_this_request()`. Without it, filters change nothing.",
    example: "disable-logging = true\nlog-5xx = true\nlog-slow = 500",
  },
  logFormat: {
    name: "log-format",
    aliases: ["logformat"],
    short: "",
    group: "Logging",
    argument: "FORMAT",
    kind: kind.text,
    default: "",
    defaultText: "a line much like uWSGI's",
    onChange: "workers",
    ownPlaceholders: true,
    help: "How a line of the request log looks",
    details:
      "`%(name)` stands for a variable of the request, see request-log.md; what is not known of a " +
      "request is `-`. As in uWSGI, `%(name)` is a placeholder of the configuration where one of that " +
      "name is defined. Quotes, backslashes and control characters in what clients send are escaped as in " +
      "JSON, so that a format may be a JSON object. A percent sign is written `%%` in an INI file.",
    example: 'log-format = %(addr) "%(method) %(uri)" %(status) %(rsize) %(msecs)ms',
  },
  log4xx: {
    ...flag("log-4xx"),
    help: "Filter for the request log: status 400 to 499",
    details: "See `disable-logging`.",
    example: "disable-logging = true\nlog-4xx = true",
  },
  log5xx: {
    ...flag("log-5xx"),
    help: "Filter for the request log: status 500 to 599",
    details: "See `disable-logging`.",
    example: "disable-logging = true\nlog-5xx = true",
  },
  logSlow: {
    ...number("log-slow", "MILLISECONDS"),
    help: "Filter for the request log: requests that took at least this long",
    details: "0 is no filter. See `disable-logging`.",
    example: "disable-logging = true\nlog-slow = 500",
  },
  logZero: {
    ...flag("log-zero"),
    help: "Filter for the request log: responses without a body",
    details: "See `disable-logging`.",
    example: "disable-logging = true\nlog-zero = true",
  },
  logBig: {
    ...number("log-big", "BYTES"),
    help: "Filter for the request log: bodies of at least this size",
    details: "0 is no filter. The size of a stream is not known, so it does not match. See " +
      "`disable-logging`.",
    example: "disable-logging = true\nlog-big = 1000000",
  },
  logMicros: {
    ...flag("log-micros"),
    help: "Tell microseconds instead of milliseconds in the request log's default line",
    details: "A `log-format` says `%(micros)`.",
    example: "log-requests = true\nlog-micros = true",
  },
  logXForwardedFor: {
    ...flag("log-x-forwarded-for"),
    help: "In the request log, take the client's address from X-Forwarded-For",
    details:
      "The first address of the header, where a request has one. For instances behind a proxy that sets " +
      "it anew: any other client can write there what it likes.",
    example: "log-requests = true\nlog-x-forwarded-for = true",
  },
  memoryReport: {
    ...flag("memory-report"),
    short: "m",
    help: "Tell the worker's memory in the request log's default line",
    details: "At most a second old. A `log-format` says `%(rss)` and `%(vsz)`.",
    example: "log-requests = true\nmemory-report = true",
  },
};

function flag(name: string) {
  return {
    name,
    aliases: [],
    short: "",
    group: "Logging",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "workers",
  } as const;
}

function number(name: string, argument: string) {
  return {
    name,
    aliases: [],
    short: "",
    group: "Logging",
    argument,
    kind: kind.integer(0, 2 ** 31 - 1),
    default: 0,
    onChange: "workers",
  } as const;
}
