/**
 * The options with which an instance shows how it is to programs that watch it.
 *
 * @module
 */

import type { OptionLine } from "../origin.ts";
import * as kind from "../kinds/option_kind.ts";
import { readStatsAddress, type StatsConfig } from "./stats.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
import { lazyImport } from "../../lazy_import.ts";
import { lazyParser, lines } from "../kinds/line_reader.ts";
import type { PusherLine } from "../values/pusher_line.ts";

const readPusherLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/pusher_line.ts")>(
    import.meta.resolve("../values/pusher_line.ts"),
  ))
    .parsePusherLine
);
const readCarbonLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/pusher_line.ts")>(
    import.meta.resolve("../values/pusher_line.ts"),
  ))
    .parseCarbonLine
);

/** How an instance is watched from outside. */
export interface ExportConfig {
  /** Where the master serves metrics and probes over HTTP (`metrics-http`). */
  readonly metricsHttp: readonly OptionLine[];
  /** Host names by which clients may ask for that, and for the stats (`metrics-http-hosts`). */
  readonly metricsHttpHosts: readonly string[];
  /** Where figures are sent (`stats-push`). */
  readonly statsPush: readonly PusherLine[];
  /** How often, unless a pusher has its own (`stats-pusher-default-freq`), ms. @default 3000 */
  readonly statsPusherDefaultFreqMs: number;
  /** Graphite servers that get them (`carbon`). */
  readonly carbon: readonly PusherLine[];
  /** How often those do (`carbon-freq`), ms. @default 60000 */
  readonly carbonFreqMs: number;
  /** Time they have to take them (`carbon-timeout`), ms. @default 3000 */
  readonly carbonTimeoutMs: number;
  /** What tells the instance from others of its host (`carbon-id`). Empty: its first socket. */
  readonly carbonId: string;
  /** What comes before the host in each name (`carbon-root`). @default "uwsgi" */
  readonly carbonRoot: string;
}

/** The addresses at which the master itself shows something. */
export function viewAddresses(
  { stats, metricsHttp }: Pick<StatsConfig, "stats"> & Pick<ExportConfig, "metricsHttp">,
): readonly OptionLine[] {
  return [...stats, ...metricsHttp];
}

/** Their rows. */
export const EXPORT_OPTIONS: OptionRows<ExportConfig> = {
  metricsHttp: {
    name: "metrics-http",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "ADDRESS",
    kind: lines(readStatsAddress),
    default: [],
    onChange: "exec",
    help: "Address at which the master serves metrics and probes over HTTP",
    details:
      "`host:port`, `:port`, `[::1]:port`, a path, or `@name`; port 0 takes a free one, which the log " +
      "names. `/metrics` is for Prometheus, `/healthz` and `/readyz` for orchestrators, " +
      "`/stats` is the document of the stats server, and `/` shows it in a browser (docs/page.md). " +
      "Nobody is asked for a password, so use an address " +
      "that only those reach who may see this. It is opened with the rights of `uid`, " +
      "and stays open when a reload replaces the master's program. See " +
      "docs/monitoring.md. uWSGI has no such option.",
    example: "metrics-http = 127.0.0.1:9100",
  },
  metricsHttpHosts: {
    name: "metrics-http-hosts",
    aliases: ["stats-http-hosts"],
    short: "",
    group: "Monitoring",
    argument: "NAME",
    kind: kind.hostNames,
    default: [],
    onChange: "master",
    help: "Host names by which clients ask at the addresses of metrics-http and stats-http",
    details:
      "Requests with another `Host` are answered with 421, so that no page of another site reads the " +
      "figures by a name of its own that leads here (DNS rebinding). What needs no option: IP addresses, " +
      "`localhost`, the host name of the machine and names in `metrics-http` and `stats`, each with any port; " +
      "requests without `Host`; Unix sockets. Several names have commas between them, `*.example.com` is " +
      "every name below that one, and `*` every name. uWSGI has no such option.",
    example: "metrics-http = :9100\nmetrics-http-hosts = app.example.com,*.app.svc.cluster.local",
  },
  statsPush: {
    name: "stats-push",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "PUSHER:ARGUMENTS",
    kind: lines(readPusherLine),
    default: [],
    onChange: "master",
    help: "Send the figures of the instance somewhere, again and again",
    details: "`statsd:HOST:PORT[,PREFIX]`, `socket:HOST:PORT[,PREFIX]` (both UDP), or " +
      "`file:path=FILE,separator=TEXT,freq=SECONDS`, which appends the document of the stats server. " +
      "statsd adds up what it gets for a counter, so it is sent by how much each counter has grown; " +
      "uWSGI sends the whole count each time. A receiver that cannot be reached is a line in the log, " +
      "once, and is tried again. See docs/monitoring.md.",
    example: "stats-push = statsd:127.0.0.1:8125,app",
  },
  statsPusherDefaultFreqMs: {
    name: "stats-pusher-default-freq",
    aliases: ["stats-pushers-default-freq"],
    short: "",
    group: "Monitoring",
    argument: "SECONDS",
    kind: kind.seconds(1, 86_400),
    default: 3000,
    onChange: "master",
    help: "Time between two messages of each pusher of stats-push",
    details: "",
    example: "stats-push = statsd:127.0.0.1:8125\nstats-pusher-default-freq = 10",
  },
  carbon: {
    name: "carbon",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "HOST:PORT",
    kind: lines(readCarbonLine),
    default: [],
    onChange: "master",
    help: "Graphite server that gets the figures of the instance, over TCP",
    details:
      "Names are `ROOT.HOST.ID.METRIC`, dots of host and id become `_`. What METRIC can be is in " +
      "docs/monitoring.md: the names that uWSGI uses with `carbon-use-metrics`.",
    example: "carbon = graphite.example.com:2003",
  },
  carbonFreqMs: {
    name: "carbon-freq",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "SECONDS",
    kind: kind.seconds(1, 86_400),
    default: 60_000,
    onChange: "master",
    help: "Time between two messages to each server of carbon",
    details: "A server that could not be reached is tried again then.",
    example: "carbon = graphite.example.com:2003\ncarbon-freq = 10",
  },
  carbonTimeoutMs: {
    name: "carbon-timeout",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "SECONDS",
    kind: kind.seconds(0.1, 60),
    default: 3000,
    onChange: "master",
    help: "Time a server of carbon has to take a message",
    details: "",
    example: "carbon = graphite.example.com:2003\ncarbon-timeout = 1",
  },
  carbonId: {
    name: "carbon-id",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "TEXT",
    kind: kind.text,
    default: "",
    defaultText: "the address of the first socket",
    onChange: "master",
    help: "What tells the instance from others of its host in the names for carbon",
    details: "",
    example: "carbon = graphite.example.com:2003\ncarbon-id = shop",
  },
  carbonRoot: {
    name: "carbon-root",
    aliases: [],
    short: "",
    group: "Monitoring",
    argument: "TEXT",
    kind: kind.text,
    default: "uwsgi",
    onChange: "master",
    help: "First part of the names for carbon",
    details: "",
    example: "carbon = graphite.example.com:2003\ncarbon-root = servers",
  },
};
