/**
 * The options that make the master a daemon with a pidfile, a user, limits and a name.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** What the processes of an instance are, apart from what they serve. */
export interface ProcessConfig {
  /** File with the master's pid, written before privileges are dropped (`pidfile`). Empty: none. */
  readonly pidfile: string;
  /** The same, written after they were dropped (`pidfile2`). Empty: none. */
  readonly pidfile2: string;
  /** The same, written when all workers accept (`safe-pidfile`). Empty: none. */
  readonly safePidfile: string;
  /** One more of that kind (`safe-pidfile2`). Empty: none. */
  readonly safePidfile2: string;
  /** Log file of a daemon that is up when it has its sockets (`daemonize`). Empty: no daemon. */
  readonly daemonize: string;
  /** Log file of a daemon that is up when all workers accept (`daemonize2`). Empty: no daemon. */
  readonly daemonize2: string;
  /** User to become once the sockets are bound (`uid`), a name or a number. Empty: stay. */
  readonly uid: string;
  /** Group to become (`gid`), a name or a number. Empty: the group of `uid`. */
  readonly gid: string;
  /** Further groups (`add-gid`), names or numbers. */
  readonly addGid: readonly string[];
  /** Take the groups the user database has for `uid` (`initgroups`). @default true */
  readonly initgroups: boolean;
  /** Limit of open files of each process (`max-fd`), see getrlimit(2). Null: inherited. */
  readonly maxFd: number | null;
  /** Limit of processes and threads of the user (`limit-nproc`). Null: inherited. */
  readonly limitNproc: number | null;
  /** Limit of address space of each process (`limit-as`), MB. Null: inherited. */
  readonly limitAs: number | null;
  /** Nice value of all processes (`prio`), -20 to 19. Null: inherited. */
  readonly prio: number | null;
  /** Number of CPUs each worker is bound to (`cpu-affinity`). Null: not bound. */
  readonly cpuAffinity: number | null;
  /** Name of all processes (`procname`). Empty: unchanged. */
  readonly procname: string;
  /** Name of the master (`procname-master`). Empty: that of `procname`. */
  readonly procnameMaster: string;
  /** What stands in front of names (`procname-prefix`). */
  readonly procnamePrefix: string;
  /** The same, with a space behind it (`procname-prefix-spaced`). */
  readonly procnamePrefixSpaced: string;
  /** What stands behind names (`procname-append`). */
  readonly procnameAppend: string;
  /** Name processes after their part in the instance (`auto-procname`). @default false */
  readonly autoProcname: boolean;
}

const COMMON = {
  aliases: [],
  short: "",
  group: "Process and privileges",
  onChange: "exec",
} as const;

/** What cannot be had again once it was given away. */
const ONCE = { ...COMMON, onChange: "restart" } as const;

const FILE = { ...COMMON, argument: "FILE", kind: kind.path, default: "", defaultText: "none" };

const NUMBER = { ...COMMON, argument: "N", default: null, defaultText: "inherited" };

const NAME = { ...COMMON, argument: "TEXT", kind: kind.text, default: "", defaultText: "none" };

/** V8 reserves and gives back: what Deno needs at most before it runs anything, in MB. */
const LEAST_ADDRESS_SPACE = 65_536;
const MOST = 1_000_000_000;

/** Their rows. */
export const PROCESS_OPTIONS: OptionRows<ProcessConfig> = {
  pidfile: {
    ...FILE,
    name: "pidfile",
    help: "File for the master's process id, written before privileges are dropped",
    details:
      "One line with the number. If the file names a process that lives and is as old as the file, " +
      "the start is refused (exit code 6); a file of a dead process is replaced. The file appears " +
      "whole or not at all, and goes with `vacuum` when the master ends in order.",
    example: "pidfile = /run/app.pid",
  },
  pidfile2: {
    ...FILE,
    name: "pidfile2",
    help: "The same as pidfile, written after privileges were dropped",
    details: "So it belongs to the user of `uid`, who needs the right to write to its directory.",
    example: "pidfile2 = /run/app/master.pid",
  },
  safePidfile: {
    ...FILE,
    name: "safe-pidfile",
    help: "The same as pidfile, written when all workers accept",
    details:
      "As in uWSGI it is written after privileges were dropped. A start that fails leaves none.",
    example: "safe-pidfile = /run/app/master.pid",
  },
  safePidfile2: {
    ...FILE,
    name: "safe-pidfile2",
    help: "One more safe-pidfile",
    details: "",
    example: "safe-pidfile2 = /run/app/master2.pid",
  },
  daemonize: {
    ...FILE,
    onChange: "restart",
    name: "daemonize",
    short: "d",
    help: "Run in the background, with this log file, from when the sockets are open",
    details:
      "The command returns 0 once the daemon has its sockets, its pidfile and its user, and otherwise " +
      "with the error and its exit code. The daemon has a session of its own, no standard input, and " +
      "the log file as standard output and error. The umask stays, unlike in uWSGI, which sets it to 0.",
    example: "daemonize = /var/log/app.log",
  },
  daemonize2: {
    ...FILE,
    onChange: "restart",
    name: "daemonize2",
    help: "Run in the background, with this log file, from when all workers accept",
    details:
      "The same as `daemonize`, except that the command waits for the workers, and fails with exit " +
      "code 4 if none of them can start.",
    example: "daemonize2 = /var/log/app.log",
  },
  uid: {
    ...ONCE,
    name: "uid",
    argument: "USER",
    kind: kind.account,
    default: "",
    defaultText: "unchanged",
    help: "User that master and workers become once the sockets are bound",
    details:
      "A name or a number. Only root can become somebody else. Sockets are bound first, so ports below " +
      "1024 need nothing else, and Unix sockets are given to the user unless `chown-socket` says " +
      "whom. Without `gid`, the group is that of the user database. HOME, USER and LOGNAME are the " +
      "user's from then on. The user must be able to read Deno, duwsgi and the script.",
    example: "uid = www-data",
  },
  gid: {
    ...ONCE,
    name: "gid",
    argument: "GROUP",
    kind: kind.account,
    default: "",
    defaultText: "the group of uid",
    help: "Group that master and workers become once the sockets are bound",
    details: "A name or a number.",
    example: "gid = www-data",
  },
  addGid: {
    ...ONCE,
    name: "add-gid",
    argument: "GROUP",
    kind: kind.accounts,
    default: [],
    help: "One more group of master and workers, a name or a number",
    details: "",
    example: "uid = www-data\nadd-gid = redis",
  },
  initgroups: {
    ...ONCE,
    name: "initgroups",
    aliases: ["no-initgroups"],
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    help: "Take the further groups of uid from the user database",
    details: "Without it there are only those of `add-gid`. See getgrouplist(3).",
    example: "no-initgroups = true",
  },
  maxFd: {
    ...NUMBER,
    name: "max-fd",
    aliases: ["limit-nofile"],
    kind: kind.optionalInteger(64, MOST),
    help: "Limit of open files of the master and of each worker",
    details:
      "Both the soft and the hard limit, see getrlimit(2). Only root can raise the hard one.",
    example: "max-fd = 65536",
  },
  limitNproc: {
    ...NUMBER,
    name: "limit-nproc",
    kind: kind.optionalInteger(16, MOST),
    help: "Limit of processes and threads of the user",
    details:
      "The kernel counts all threads of the user, also those of other programs, and a worker has a " +
      "dozen: one that cannot start its threads ends. It has no effect on root.",
    example: "limit-nproc = 4096",
  },
  limitAs: {
    ...NUMBER,
    name: "limit-as",
    argument: "MB",
    kind: kind.optionalInteger(
      LEAST_ADDRESS_SPACE,
      MOST,
      "because Deno reserves 50 GB of address space before it runs anything; to limit memory, use " +
        "deno-flag = --v8-flags=--max-old-space-size=MB",
    ),
    help: "Limit of the address space of the master and of each worker, in megabytes",
    details:
      "At least 65536: V8 reserves some 50 GB of address space, without using it, before it runs the " +
      "first line of a script, and aborts when it is refused. So this limits leaks of address " +
      "space, not memory; for that use `deno-flag = --v8-flags=--max-old-space-size=MB`.",
    example: "limit-as = 131072",
  },
  prio: {
    ...NUMBER,
    name: "prio",
    aliases: ["nice"],
    kind: kind.optionalInteger(-20, 19),
    help: "Nice value of master and workers, from -20 (first) to 19 (last)",
    details: "See setpriority(2). Only root can go below what is inherited.",
    example: "prio = 5",
  },
  cpuAffinity: {
    ...NUMBER,
    name: "cpu-affinity",
    kind: kind.optionalInteger(1, 1024),
    defaultText: "none",
    help: "Bind each worker to this many CPUs, one slot after the other in turn",
    details:
      "Of the CPUs that the master may use: with four of them and `cpu-affinity = 2`, the first and " +
      "third worker get the first two, the second and fourth the others. See sched_setaffinity(2).",
    example: "cpu-affinity = 1",
  },
  procname: {
    ...NAME,
    name: "procname",
    help: "Name of all processes, as ps shows it",
    details:
      "It takes the place of the command line, and is cut off where that ended. The short name that " +
      "ps and top show has the first 15 bytes.",
    example: "procname = app",
  },
  procnameMaster: {
    ...NAME,
    name: "procname-master",
    help: "Name of the master",
    details: "It goes before `procname`.",
    example: "procname-master = app master",
  },
  procnamePrefix: {
    ...NAME,
    name: "procname-prefix",
    help: "What stands in front of the names of processes",
    details: "With nothing else, in front of the names of `auto-procname`.",
    example: "procname-prefix = app:",
  },
  procnamePrefixSpaced: {
    ...NAME,
    name: "procname-prefix-spaced",
    help: "The same as procname-prefix, with a space behind it",
    details: "",
    example: "procname-prefix-spaced = app",
  },
  procnameAppend: {
    ...NAME,
    name: "procname-append",
    help: "What stands behind the names of processes",
    details: "With nothing else, behind the names of `auto-procname`.",
    example: "procname-append = @blue",
  },
  autoProcname: {
    ...COMMON,
    name: "auto-procname",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    help: "Name processes after their part: duwsgi master, duwsgi worker 1",
    details: "",
    example: "auto-procname = true",
  },
};

/** The keys that have another value than their default, in the order of the table. */
export function processKeysSet(config: ProcessConfig): (keyof ProcessConfig)[] {
  const keys = Object.keys(PROCESS_OPTIONS) as (keyof ProcessConfig)[];
  // Lists are equal by what is in them.
  return keys.filter((key) => String(config[key]) !== String(PROCESS_OPTIONS[key].default));
}
