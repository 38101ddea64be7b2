/**
 * The options of a log file that is opened anew or rotated.
 *
 * @module
 */

import * as logKind from "../kinds/log_kind.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** What is done with log files: that of `daemonize` or `logto`, and those of `logger`. */
export interface LogFileConfig {
  /** Files whose change opens the log file again (`touch-logreopen`). */
  readonly touchLogreopen: readonly string[];
  /** Files whose change rotates the log file (`touch-logrotate`). */
  readonly touchLogrotate: readonly string[];
  /** What a rotated log file is called (`log-backupname`). Empty: the name and the time. */
  readonly logBackupname: string;
  /** Size that a log file is rotated at (`log-maxsize`), bytes; 0: never. @default 0 */
  readonly logMaxsize: number;
  /** How many renamed files of each log stay (`log-keep`); 0: all. @default 0 */
  readonly logKeep: number;
  /** Open log files again with each reload (`log-reopen`). @default false */
  readonly logReopen: boolean;
  /** Empty log files at the start (`log-truncate`). @default false */
  readonly logTruncate: boolean;
  /** Mode of log files (`logfile-chmod`); null: 0640 less the umask, for new ones. @default null */
  readonly logfileChmod: number | null;
  /** Owner of log files (`logfile-chown = user[:group]`). Empty: who opens them, or `uid`. */
  readonly logfileChown: string;
}

/** Their rows. */
export const LOG_FILE_OPTIONS: OptionRows<LogFileConfig> = {
  touchLogreopen: {
    name: "touch-logreopen",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change makes master and workers open the log file again",
    details:
      "For logrotate(8) and the like, which rename the log file and touch this one. Until a worker has " +
      "done so, its lines go to the renamed file: none is lost.",
    example: "daemonize = /var/log/app.log\ntouch-logreopen = /run/app.logreopen",
  },
  touchLogrotate: {
    name: "touch-logrotate",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change renames the log file and opens a new one",
    details: "The new name is that of `log-backupname`.",
    example: "daemonize = /var/log/app.log\ntouch-logrotate = /run/app.logrotate",
  },
  logBackupname: {
    name: "log-backupname",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "FILE",
    kind: kind.path,
    default: "",
    defaultText: "the log file's own name, a dot, and the seconds since 1970",
    onChange: "master",
    help: "What a rotated log file is called; each rotation replaces the last one",
    details:
      "Without it every rotation keeps a file of its own. It is for the file of `daemonize` or " +
      "`logto`; a `logger` has its own `backupname`.",
    example: "daemonize = /var/log/app.log\nlog-backupname = /var/log/app.log.1",
  },
  logMaxsize: {
    name: "log-maxsize",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "BYTES",
    kind: logKind.bytes(0, 2 ** 40),
    default: 0,
    defaultText: "0: never",
    onChange: "master",
    help: "Size that a log file is rotated at",
    details:
      "The master looks once per second, so a file can be somewhat larger. Each file is rotated by " +
      "its own size. `k`, `m` and `g` stand for powers of 1024. Renamed files stay unless there is " +
      "`log-keep`. Only regular files are rotated: no link, FIFO or device.",
    example: "logto = /var/log/app.log\nlog-maxsize = 100m\nlog-keep = 7",
  },
  logKeep: {
    name: "log-keep",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "N",
    kind: kind.integer(0, 1_000_000),
    default: 0,
    defaultText: "0: all of them",
    onChange: "master",
    help: "How many renamed files of a log stay; older ones are removed",
    details:
      "After each rotation the master removes regular files beside the log that are called like it, a dot " +
      "and seconds since 1970, but for the youngest N. Nothing else is touched, and with `log-backupname` " +
      "there is only one in any case.",
    example: "logto = /var/log/app.log\nlog-maxsize = 100m\nlog-keep = 7",
  },
  logReopen: {
    name: "log-reopen",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Open the log files again with each reload",
    details: "For who renames them and reloads.",
    example: "log-reopen = true",
  },
  logTruncate: {
    name: "log-truncate",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Empty the log files when the instance starts",
    details: "A reload empties nothing.",
    example: "log-truncate = true",
  },
  logfileChmod: {
    name: "logfile-chmod",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "MODE",
    kind: kind.fileMode,
    default: null,
    defaultText: "640 less the umask",
    onChange: "exec",
    help: "Mode of the log files, in octal",
    details: "It is set whenever one is opened, also for files that are there.",
    example: "logfile-chmod = 644",
  },
  logfileChown: {
    name: "logfile-chown",
    aliases: [],
    short: "",
    group: "Logging",
    argument: "USER[:GROUP]",
    kind: logKind.fileOwner,
    default: "",
    defaultText: "the user of `uid`",
    onChange: "exec",
    help: "Owner of the log files",
    details:
      "It is set whenever one is opened, while the master may do so. Without a value, or with a word " +
      "for true or false (so also `1` and `0`), it is uWSGI's flag and asks for what is so in any " +
      "case: the user and group of `uid` and `gid`.",
    example: "logto = /var/log/app.log\nlogfile-chown = syslog:adm",
  },
};
