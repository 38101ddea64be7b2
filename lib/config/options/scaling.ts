/**
 * The options that let the number of workers follow the load (`cheaper`), and let an instance go
 * without workers when nobody asks (`cheap`, `idle`).
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
import { BUSYNESS_OPTIONS, type BusynessConfig } from "./busyness.ts";

/** How the wanted number of workers is found. */
export type CheaperAlgorithm = "spare" | "backlog" | "busyness" | "manual";

/** How many workers there are, and when there are none. */
export interface ScalingConfig extends BusynessConfig {
  /** Fewest workers (`cheaper`); 0: always `processes`. @default 0 */
  readonly cheaper: number;
  /** Workers at the start (`cheaper-initial`); 0: as many as `cheaper`. @default 0 */
  readonly cheaperInitial: number;
  /** Workers that are added at once (`cheaper-step`). @default 1 */
  readonly cheaperStep: number;
  /** Patience of the algorithm: seconds, or connections (`cheaper-overload`). @default 3 */
  readonly cheaperOverload: number;
  /** Who decides (`cheaper-algo`). @default "spare" */
  readonly cheaperAlgo: CheaperAlgorithm;
  /** Lag of the event loop that makes a worker busy (`cheaper-busy-lag`), ms. @default 50 */
  readonly cheaperBusyLagMs: number;
  /** Requests in flight that make one busy (`cheaper-busy-requests`); 0: any. @default 100 */
  readonly cheaperBusyRequests: number;
  /** Memory of all workers that allows no more (`cheaper-rss-limit-soft`), bytes; 0: none. */
  readonly cheaperRssLimitSoft: number;
  /** Memory of all workers that takes one away (`cheaper-rss-limit-hard`), bytes; 0: none. */
  readonly cheaperRssLimitHard: number;
  /** Start without workers; the first connection starts them (`cheap`). @default false */
  readonly cheap: boolean;
  /** Time without requests after which the workers leave (`idle`), ms; 0: never. @default 0 */
  readonly idleMs: number;
  /** Stop the instance instead (`die-on-idle`). @default false */
  readonly dieOnIdle: boolean;
}

const MOST_BYTES = 2 ** 48;

/** Their rows. */
export const SCALING_OPTIONS: OptionRows<ScalingConfig> = {
  cheaper: {
    name: "cheaper",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "N",
    kind: kind.integer(0, 1023),
    default: 0,
    defaultText: "0, which always runs `processes` workers",
    onChange: "master",
    help: "Fewest workers; the load decides how many more, up to `processes`",
    details:
      "It must be less than `processes`. The workers of the first slots run; the queues of " +
      "the others are served by them. See docs/scaling.md.",
    example: "processes = 8\ncheaper = 2",
  },
  cheaperInitial: {
    name: "cheaper-initial",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "N",
    kind: kind.integer(0, 1024),
    default: 0,
    defaultText: "the value of `cheaper`",
    onChange: "master",
    help: "Workers at the start, and when `idle` is over",
    details: "A number outside of `cheaper` to `processes` is moved there, with a warning.",
    example: "processes = 8\ncheaper = 2\ncheaper-initial = 4",
  },
  cheaperStep: {
    name: "cheaper-step",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "N",
    kind: kind.integer(1, 1024),
    default: 1,
    onChange: "master",
    help: "Workers that are started at once when more are needed",
    details: "They leave one at a time.",
    example: "processes = 8\ncheaper = 2\ncheaper-step = 2",
  },
  cheaperOverload: {
    name: "cheaper-overload",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "N",
    kind: kind.integer(1, 86_400),
    default: 3,
    onChange: "master",
    help: "Patience of the algorithm: seconds, or waiting connections",
    details:
      "`spare`: seconds that all workers must be busy; `busyness`: length of its window in seconds; " +
      "`backlog`: connections that may wait.",
    example: "processes = 8\ncheaper = 2\ncheaper-overload = 10",
  },
  cheaperAlgo: {
    name: "cheaper-algo",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "spare|backlog|busyness|manual",
    kind: kind.choice("spare", "backlog", "busyness", "manual"),
    default: "spare",
    onChange: "master",
    help: "What decides how many workers run",
    details:
      "`spare` adds workers while all are busy; `backlog` while connections wait; `busyness` keeps the " +
      "average load between two limits; `manual` leaves it to whoever operates the instance. An " +
      "unknown name is an error; uWSGI warns and takes `spare`. See docs/scaling.md.",
    example: "processes = 8\ncheaper = 2\ncheaper-algo = busyness",
  },
  cheaperBusyLagMs: {
    name: "cheaper-busy-lag",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "SECONDS",
    kind: kind.seconds(0.001, 3600),
    default: 50,
    onChange: "master",
    help: "Lag of its event loop that makes a worker with requests busy",
    details:
      "A worker of uWSGI has a request or has none; one of duwsgi serves many at once, so that it " +
      "takes a measure. See docs/scaling.md. uWSGI has no such option.",
    example: "processes = 8\ncheaper = 2\ncheaper-busy-lag = 0.02",
  },
  cheaperBusyRequests: {
    name: "cheaper-busy-requests",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "N",
    kind: kind.integer(0, 1_000_000),
    default: 100,
    onChange: "master",
    help: "Number of requests in flight that makes a worker busy, whatever its event loop does",
    details: "With 0 their number does not matter, which suits scripts whose responses last long " +
      "(event streams). uWSGI has no such option.",
    example: "processes = 8\ncheaper = 2\ncheaper-busy-requests = 20",
  },
  cheaperRssLimitSoft: {
    name: "cheaper-rss-limit-soft",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "BYTES",
    kind: kind.integer(0, MOST_BYTES),
    default: 0,
    defaultText: "0, which is no limit",
    onChange: "master",
    help: "Memory of all workers together at which no more are started",
    details:
      "The resident memory of workers that are leaving does not count. Unlike in uWSGI, no other " +
      "option is needed.",
    example: "processes = 8\ncheaper = 2\ncheaper-rss-limit-soft = 1000000000",
  },
  cheaperRssLimitHard: {
    name: "cheaper-rss-limit-hard",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "BYTES",
    kind: kind.integer(0, MOST_BYTES),
    default: 0,
    defaultText: "0, which is no limit",
    onChange: "master",
    help: "Memory of all workers together at which they are made fewer, one each second",
    details:
      "It needs the soft limit and must be larger. Unlike in uWSGI, `cheaper` workers always " +
      "remain.",
    example: "processes = 8\ncheaper = 2\n" +
      "cheaper-rss-limit-soft = 1000000000\ncheaper-rss-limit-hard = 1500000000",
  },
  ...BUSYNESS_OPTIONS,
  cheap: {
    name: "cheap",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "restart",
    help: "Start without workers: the first connection starts them",
    details: "As many as `cheaper-initial` says, or all. The connection waits meanwhile.",
    example: "cheap = true",
  },
  idleMs: {
    name: "idle",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "SECONDS",
    kind: kind.seconds(0, 31_536_000),
    default: 0,
    defaultText: "0, which is never",
    onChange: "master",
    help: "Time without requests after which all workers leave, until the next connection",
    details:
      "They leave in order: requests in flight keep the instance awake, and a connection that comes " +
      "while they leave starts new ones. WebSockets that nobody sends a request beside are closed. " +
      "In uWSGI the master does nothing else meanwhile.",
    example: "idle = 600",
  },
  dieOnIdle: {
    name: "die-on-idle",
    aliases: [],
    short: "",
    group: "Scaling",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Stop the instance when `idle` is over, instead of waiting without workers",
    details: "For instances that are started by a connection, as with socket activation.",
    example: "idle = 600\ndie-on-idle = true",
  },
};
