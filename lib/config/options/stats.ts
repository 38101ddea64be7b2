/**
 * The options of the stats server.
 *
 * @module
 */

import { parseAddress } from "../../system/sockets/address.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows, OptionSpec } from "../kinds/option_spec.ts";
import type { OptionLine } from "../origin.ts";
import { lines } from "../kinds/line_reader.ts";

/** Where the stats of an instance can be read. */
export interface StatsConfig {
  /** Addresses of the stats server (`stats`). */
  readonly stats: readonly OptionLine[];
  /** Answer with HTTP (`stats-http`). @default false */
  readonly statsHttp: boolean;
  /** Write the document without spaces and line breaks (`stats-minified`). @default false */
  readonly statsMinified: boolean;
  /** Leave the cores out (`stats-no-cores`). @default false */
  readonly statsNoCores: boolean;
  /** Leave the metrics out (`stats-no-metrics`). @default false */
  readonly statsNoMetrics: boolean;
}

const COMMON = {
  aliases: [],
  short: "",
  group: "Stats",
} as const satisfies Partial<OptionSpec<unknown>>;

const FLAG = {
  ...COMMON,
  argument: "[BOOLEAN]",
  kind: kind.flag,
  default: false,
  onChange: "master",
} as const satisfies Partial<OptionSpec<boolean>>;

const EXAMPLE = "stats = 127.0.0.1:9191\n";

/**
 * An address at which something else than workers listens: the master itself.
 *
 * @throws {SyntaxError} If it is none; the message continues a sentence that names the option.
 */
export function readStatsAddress(line: OptionLine): OptionLine {
  const { kind } = parseAddress(line.text);
  if (kind !== "fd" && kind !== "passed") return line;
  throw new SyntaxError("expects host:port, a path or @name: inherited sockets belong to workers");
}

/** Their rows. */
export const STATS_OPTIONS: OptionRows<StatsConfig> = {
  stats: {
    ...COMMON,
    name: "stats",
    aliases: ["stats-server"],
    argument: "ADDRESS",
    kind: lines(readStatsAddress),
    default: [],
    onChange: "exec",
    help: "Address at which the instance tells as JSON what it is doing",
    details:
      "`host:port`, a path, or `@name`; port 0 is a free one, which the log names. Whoever connects " +
      "gets the whole document and the end of the connection; docs/stats.md has its fields, and how " +
      "uwsgitop reads it. Nobody is asked for a password: choose an address that only those reach who " +
      "may see it. A Unix socket has the mode of `chmod-socket`, and `vacuum` removes it. The address is " +
      "opened with the rights of `uid`, and stays open when a reload replaces the master's program.",
    example: "stats = 127.0.0.1:9191\nstats = /run/app.stats",
  },
  statsHttp: {
    ...FLAG,
    name: "stats-http",
    help: "Wait for an HTTP request at the addresses of stats, and answer with HTTP",
    details:
      "For curl and monitoring that speaks HTTP. Any path will do. Other than in uWSGI, the answer does " +
      "not allow pages of other origins to read it.",
    example: `${EXAMPLE}stats-http = true`,
  },
  statsMinified: {
    ...FLAG,
    name: "stats-minified",
    aliases: ["stats-min"],
    help: "Write the stats without spaces and line breaks",
    details: "",
    example: `${EXAMPLE}stats-minified = true`,
  },
  statsNoCores: {
    ...FLAG,
    name: "stats-no-cores",
    help: "Leave the cores of the workers out of the stats",
    details: "A worker has one in any case, and uwsgitop wants to see it.",
    example: `${EXAMPLE}stats-no-cores = true`,
  },
  statsNoMetrics: {
    ...FLAG,
    name: "stats-no-metrics",
    help: "Leave the metrics out of the stats",
    details: "",
    example: `${EXAMPLE}stats-no-metrics = true`,
  },
};
