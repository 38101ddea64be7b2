/**
 * The options that say where log lines go and how they look.
 *
 * @module
 */

import {
  type EncoderLine,
  type LoggerLine,
  parseEncoderLine,
  parseLoggerLine,
  parseRouteLine,
  type RouteLine,
} from "../values/log_line.ts";
import * as logKind from "../kinds/log_kind.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
import { lines } from "../kinds/line_reader.ts";

/** Where log lines go, and how they look. */
export interface LogTargetConfig {
  /** File or UDP address instead of standard error (`logto`). Empty: none. */
  readonly logto: string;
  /** The same, opened after privileges were dropped (`logto2`). Empty: none. */
  readonly logto2: string;
  /** strftime(3) format of a date before each entry (`log-date`); null: none. @default null */
  readonly logDate: string | null;
  /** The least important of the master's own lines that is written (`log-level`). @default "info" */
  readonly logLevel: "info" | "warning" | "error";
  /** What entries go through, in order (`log-encoder`). @default [] */
  readonly logEncoders: readonly EncoderLine[];
  /** The same for the request log (`log-req-encoder`). @default [] */
  readonly logReqEncoders: readonly EncoderLine[];
  /** Targets (`logger`, `log-syslog` …). @default [] */
  readonly loggers: readonly LoggerLine[];
  /** Targets of the request log (`req-logger`). @default [] */
  readonly reqLoggers: readonly LoggerLine[];
  /** What goes to loggers with a name (`log-route`). @default [] */
  readonly logRoutes: readonly RouteLine[];
  /** The same for the request log (`log-req-route`). @default [] */
  readonly logReqRoutes: readonly RouteLine[];
  /** Regular expressions of what is dropped (`log-drain`). @default [] */
  readonly logDrains: readonly string[];
  /** Regular expressions of what alone is kept (`log-filter`). @default [] */
  readonly logFilters: readonly string[];
  /** Accepted for uWSGI's sake (`log-master`). @default false */
  readonly logMaster: boolean;
  /** Accepted for uWSGI's sake (`threaded-logger`). @default false */
  readonly threadedLogger: boolean;
  /** Accepted for uWSGI's sake (`log-master-bufsize`), bytes. @default 8192 */
  readonly logMasterBufsize: number;
}

const COMMON = { aliases: [], short: "", group: "Logging", onChange: "exec" } as const;

/** Their rows. */
export const LOG_TARGET_OPTIONS: OptionRows<LogTargetConfig> = {
  logto: {
    ...COMMON,
    name: "logto",
    argument: "FILE|HOST:PORT",
    kind: logKind.logTarget,
    default: "",
    help: "File that standard output and error of everything go to, or an address for UDP",
    details:
      "The file is opened for appending, before privileges are dropped, and belongs to the " +
      "new user then. What has a colon is an address: each line is a datagram there. It can be " +
      "changed by a reload; taking it away needs a restart. See [logging](logging.md).",
    example: "logto = /var/log/app.log",
  },
  logto2: {
    ...COMMON,
    name: "logto2",
    argument: "FILE|HOST:PORT",
    kind: logKind.logTarget,
    default: "",
    help: "The same as `logto`, opened after privileges were dropped",
    details: "So the file is made by the user of `uid`, who must be allowed to.",
    example: "logto2 = /var/log/app/app.log",
  },
  logDate: {
    ...COMMON,
    name: "log-date",
    aliases: ["logdate"],
    argument: "[FORMAT]",
    kind: logKind.logDate,
    default: null,
    defaultText: "time, level and worker before each line of text",
    help: "Date before each entry, in local time, and ` - ` behind it",
    details:
      "Without a value it is that of ctime(3); else a format of strftime(3), whose percent " +
      "signs are doubled in files. The master's own lines then have this date instead of theirs.",
    example: "log-date = %%Y-%%m-%%d %%H:%%M:%%S",
  },
  logLevel: {
    ...COMMON,
    name: "log-level",
    aliases: ["loglevel"],
    argument: "LEVEL",
    kind: kind.choice("info", "warning", "error"),
    default: "info",
    onChange: "master",
    help: "The least important lines of the master itself that are written: info, warning or error",
    details:
      "With `warning`, starts and reloads that go well write nothing. What scripts print and the " +
      "request log are not the master's, and are written at any level.",
    example: "log-level = warning",
  },
  logEncoders: {
    ...COMMON,
    name: "log-encoder",
    argument: "NAME[:LOGGER] [TEXT]",
    kind: lines(parseEncoderLine),
    default: [],
    defaultText: "text",
    help: "How entries look: text, json, or a template",
    details:
      "`json` writes one JSON object per entry: `message` for people, and fields for machines, of " +
      "which `event` says what happened. It holds for everything: what workers print, their stack " +
      "traces and last words too. `json TEMPLATE` and `format TEMPLATE` replace `${msg}`, `${msgnl}`, " +
      "`${unix}`, `${millis}`, `${micros}`, `${strftime:FORMAT}`, and our `${level}`, `${logger}`, " +
      "`${worker}`, `${pid}` and `${generation}`; `json` escapes what it puts in. `prefix TEXT`, " +
      "`suffix TEXT` and `nl` add to an entry. Each use is one more step; `text` forgets those before " +
      "it. With a colon and the name of a `logger` it is only for that one. See [logging](logging.md).",
    example: "log-encoder = json",
  },
  logReqEncoders: {
    ...COMMON,
    name: "log-req-encoder",
    aliases: ["req-log-encoder"],
    argument: "NAME[:LOGGER] [TEXT]",
    kind: lines(parseEncoderLine),
    default: [],
    defaultText: "those of `log-encoder` where requests go to the log",
    help: "How entries of the request log look",
    details: "The same as `log-encoder`, for the targets of `req-logger`.",
    example: 'log-req-encoder = json {"at":${unix},"request":"${msg}"}',
  },
  loggers: {
    ...COMMON,
    name: "logger",
    aliases: ["log-syslog", "log-socket", "log-systemd"],
    argument: "[ID] NAME[:ARGUMENTS]",
    kind: lines(parseLoggerLine),
    default: [],
    defaultText: "standard error",
    help: "Target of the log; each use is one more",
    details: "`file:PATH` or `file:logfile=PATH,maxsize=BYTES,backupname=PATH`, `stdio`, " +
      "`socket:ADDRESS` (datagrams, UDP or a Unix socket), `syslog[:IDENT[,FACILITY]]` or " +
      "`syslog:ident=…,facility=…,address=PATH` (RFC 5424 to /dev/log), " +
      "`rsyslog:[tcp://]HOST:PORT[,IDENT]`, `systemd[:IDENT]` or `systemd:ident=…,address=PATH` (the " +
      "journal's own protocol). `log-syslog`, `log-socket` and `log-systemd` are shorthands. One with " +
      "an ID gets only what a `log-route` sends there. See [logging](logging.md).",
    example: "logger = file:/var/log/app.log\nlogger = errors syslog:app,local0",
  },
  reqLoggers: {
    ...COMMON,
    name: "req-logger",
    aliases: ["logger-req"],
    argument: "[ID] NAME[:ARGUMENTS]",
    kind: lines(parseLoggerLine),
    default: [],
    defaultText: "the log",
    help: "Target of the request log; each use is one more",
    details: "The same as `logger`.",
    example: "req-logger = file:/var/log/requests.log",
  },
  logRoutes: {
    ...COMMON,
    name: "log-route",
    argument: "ID EXPRESSION",
    kind: lines(parseRouteLine),
    default: [],
    help:
      "Entries that match the regular expression go to the `logger` with this ID, and only there",
    details: "An entry that several routes match goes to all their loggers.",
    example: "logger = errors file:/var/log/errors.log\nlog-route = errors [Ee]rror",
  },
  logReqRoutes: {
    ...COMMON,
    name: "log-req-route",
    argument: "ID EXPRESSION",
    kind: lines(parseRouteLine),
    default: [],
    help: "The same as `log-route` for the request log and its `req-logger`s",
    details: "",
    example: "req-logger = api file:/var/log/api.log\nlog-req-route = api /api/",
  },
  logDrains: {
    ...COMMON,
    name: "log-drain",
    argument: "EXPRESSION",
    kind: logKind.patterns,
    default: [],
    help: "Entries that match the regular expression are dropped",
    details: "They are not counted as lost. It is looked at before any route.",
    example: "log-drain = ^GET /health",
  },
  logFilters: {
    ...COMMON,
    name: "log-filter",
    argument: "EXPRESSION",
    kind: logKind.patterns,
    default: [],
    help: "Only entries that match one of these regular expressions are logged",
    details: "It holds for the master's own lines too.",
    example: "log-filter = worker",
  },
  logMaster: {
    ...COMMON,
    name: "log-master",
    argument: "",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Accepted, without effect: workers write to the log themselves",
    details: "In uWSGI all lines go through the master, which drops some when it is busy.",
    example: "log-master = true",
  },
  threadedLogger: {
    ...COMMON,
    name: "threaded-logger",
    argument: "",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Accepted, without effect: no line waits for another process",
    details: "",
    example: "threaded-logger = true",
  },
  logMasterBufsize: {
    ...COMMON,
    name: "log-master-bufsize",
    argument: "BYTES",
    kind: logKind.bytes(1, 2 ** 30),
    default: 8192,
    onChange: "master",
    help: "Accepted, without effect: a line is as long as it is",
    details: "In uWSGI what is longer is cut off.",
    example: "log-master-bufsize = 65536",
  },
};
