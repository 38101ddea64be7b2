/**
 * The options of a log file that is opened anew or rotated.
 *
 * @module
 */

import * as kind from "../option_kind.ts";
import type { OptionRows } from "../option_spec.ts";

/** What is done with the log file of `daemonize`. */
export interface LogFileConfig {
  /** Files whose change opens the log file again (`touch-logreopen`). */
  readonly touchLogreopen: readonly string[];
  /** Files whose change rotates the log file (`touch-logrotate`). */
  readonly touchLogrotate: readonly string[];
  /** What a rotated log file is called (`log-backupname`). Empty: the name and the time. */
  readonly logBackupname: string;
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
    details: "Without it every rotation keeps a file of its own.",
    example: "daemonize = /var/log/app.log\nlog-backupname = /var/log/app.log.1",
  },
};
