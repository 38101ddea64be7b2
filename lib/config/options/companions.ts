/**
 * The options of processes beside the workers: daemons, commands at certain times, mules.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import type { CronLine } from "../values/cron_line.ts";
import type { DaemonLine } from "../values/daemon_line.ts";
import { lazyParser, lines } from "../kinds/line_reader.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

const readDaemonLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/daemon_line.ts")>(
    import.meta.resolve("../values/daemon_line.ts"),
  ))
    .parseDaemonLine
);
const readCronLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/cron_line.ts")>(
    import.meta.resolve("../values/cron_line.ts"),
  ))
    .parseCronLine
);

/** What runs beside the workers. */
export interface CompanionConfig {
  /** Programs that are kept running (`attach-daemon`, `attach-daemon2` …), in order. @default [] */
  readonly daemons: readonly DaemonLine[];
  /** Programs that outlive the master (`smart-attach-daemon` …), in order. @default [] */
  readonly smartDaemons: readonly DaemonLine[];
  /** Commands that are started at certain times (`cron`, `cron2`). @default [] */
  readonly crons: readonly CronLine[];
  /** Scripts of workers without sockets (`mule`); the first is mule 1. @default [] */
  readonly mules: readonly string[];
  /** Files whose change replaces the mules (`touch-mules-reload`). @default [] */
  readonly touchMulesReload: readonly string[];
  /** Time daemons and commands have to end once told so (`reload-mercy`), ms. @default 3000 */
  readonly reloadMercyMs: number;
  /** Time a mule has to end once told so (`mule-reload-mercy`), ms. @default 60000 */
  readonly muleReloadMercyMs: number;
}

/** Their rows. */
export const COMPANION_OPTIONS: OptionRows<CompanionConfig> = {
  daemons: {
    name: "attach-daemon",
    aliases: ["attach-control-daemon", "attach-daemon2"],
    short: "",
    group: "Beside the workers",
    argument: "COMMAND",
    kind: lines(readDaemonLine),
    default: [],
    onChange: "master",
    help: "Shell command that runs beside the workers and is started again when it ends",
    details:
      "It runs in a session of its own, without the listening sockets, and ends when the master does, " +
      "in whatever way. The instance stops when an `attach-control-daemon` ends.\n\n" +
      "`attach-daemon2 = KEY=VALUE,…` has the keys `cmd`, `pidfile`, `daemonize`, `freq`, `control`, " +
      "`stopsignal`, `reloadsignal`, `touch` (files, separated by `;`), `uid`, `gid`, `chdir` and " +
      "`max_throttle`. A comma in a value is written `\\,`. See [companions](companions.md).",
    example: "attach-daemon = exec redis-server --port 6400\n" +
      "attach-daemon2 = cmd=exec ./feed --follow,stopsignal=2,reloadsignal=1",
  },
  smartDaemons: {
    name: "smart-attach-daemon",
    aliases: ["smart-attach-daemon2"],
    short: "",
    group: "Beside the workers",
    argument: "PIDFILE[,SECONDS] COMMAND",
    kind: lines(readDaemonLine),
    default: [],
    onChange: "master",
    help: "Shell command that is started when the pidfile names no live process",
    details:
      "For a program that puts itself into the background and writes its pid, for which it has 10 s " +
      "unless told otherwise. It outlives the master, and the next one finds it. " +
      "`smart-attach-daemon2` is for a program that does neither: the master does both. See " +
      "[companions](companions.md).",
    example: "smart-attach-daemon = /run/memcached.pid memcached -d -P /run/memcached.pid",
  },
  crons: {
    name: "cron",
    aliases: ["unique-cron", "cron2"],
    short: "",
    group: "Beside the workers",
    argument: "MINUTE HOUR DAY MONTH WEEKDAY COMMAND",
    kind: lines(readCronLine),
    default: [],
    onChange: "master",
    help: "Shell command that is started at certain times",
    details:
      "-1 is any, -N every N; months are 1 to 12, weekdays 0 to 7, where 0 and 7 are Sunday. Of a day " +
      "and a weekday either is enough. Times are local. `unique-cron` is not started while it still " +
      "runs. `cron2 = KEY=VALUE,… COMMAND` has the keys `minute`, `hour`, `day`, `month`, `week` (-1 " +
      "unless given), `unique` and `harakiri` (seconds until it is killed). See " +
      "[companions](companions.md).",
    example: "cron = 30 4 -1 -1 -1 ./backup\ncron2 = minute=-5,unique=1,harakiri=240 ./poll",
  },
  mules: {
    name: "mule",
    aliases: [],
    short: "",
    group: "Beside the workers",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "Script that runs beside the workers, in a worker without sockets",
    details:
      "One process per use of the option, numbered from 1 (`uwsgi.mule_id()`). Workers send work with " +
      "`uwsgi.mule_msg()`, mules take it with `uwsgi.mule_msg_get()`. See " +
      "[companions](companions.md).",
    example: "mule = mails.ts\nmule = thumbnails.ts",
  },
  touchMulesReload: {
    name: "touch-mules-reload",
    aliases: [],
    short: "",
    group: "Beside the workers",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change replaces the mules",
    details:
      "Each mule is asked to leave, and its successor starts when it is gone. A reload with " +
      "SIGHUP does the same.",
    example: "touch-mules-reload = mules.txt",
  },
  reloadMercyMs: {
    name: "reload-mercy",
    aliases: [],
    short: "",
    group: "Beside the workers",
    argument: "SECONDS",
    kind: kind.seconds(0, 86400),
    default: 3_000,
    onChange: "master",
    help: "Time that daemons and commands have to end before they are killed",
    details: "Workers have `worker-reload-mercy`, mules `mule-reload-mercy`.",
    example: "reload-mercy = 10",
  },
  muleReloadMercyMs: {
    name: "mule-reload-mercy",
    aliases: [],
    short: "",
    group: "Beside the workers",
    argument: "SECONDS",
    kind: kind.seconds(0, 86400),
    default: 60_000,
    onChange: "master",
    help: "Time that a mule has to end before it is killed",
    details: "",
    example: "mule-reload-mercy = 20",
  },
};
