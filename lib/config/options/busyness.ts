/**
 * The options of `cheaper-algo = busyness`.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows, OptionSpec } from "../kinds/option_spec.ts";

/** What the `busyness` algorithm goes by. */
export interface BusynessConfig {
  /** Average load that starts workers (`cheaper-busyness-max`), percent. @default 50 */
  readonly cheaperBusynessMax: number;
  /** Average load that lets one leave (`cheaper-busyness-min`), percent. @default 25 */
  readonly cheaperBusynessMin: number;
  /** Windows in a row below the minimum (`cheaper-busyness-multiplier`). @default 10 */
  readonly cheaperBusynessMultiplier: number;
  /** Windows more after each mistake (`cheaper-busyness-penalty`). @default 2 */
  readonly cheaperBusynessPenalty: number;
  /** Queue that starts emergency workers (`cheaper-busyness-backlog-alert`). @default 33 */
  readonly cheaperBusynessBacklogAlert: number;
  /** Emergency workers at once (`cheaper-busyness-backlog-step`). @default 1 */
  readonly cheaperBusynessBacklogStep: number;
  /** Windows until one of them leaves (`cheaper-busyness-backlog-multiplier`). @default 3 */
  readonly cheaperBusynessBacklogMultiplier: number;
  /** Time with any queue that starts one (`cheaper-busyness-backlog-nonzero`), ms. @default 60000 */
  readonly cheaperBusynessBacklogNonzeroMs: number;
  /** Log every window (`cheaper-busyness-verbose`). @default false */
  readonly cheaperBusynessVerbose: boolean;
}

/** What all of these rows have in common. */
const COMMON = {
  aliases: [],
  short: "",
  group: "Scaling",
  onChange: "master",
} as const satisfies Partial<OptionSpec<unknown>>;

const BUSYNESS = "processes = 8\ncheaper = 2\ncheaper-algo = busyness\n";

/** Their rows. */
export const BUSYNESS_OPTIONS: OptionRows<BusynessConfig> = {
  cheaperBusynessMax: {
    ...COMMON,
    name: "cheaper-busyness-max",
    argument: "PERCENT",
    kind: kind.integer(1, 100),
    default: 50,
    help: "Average load of the workers over one window above which more are started",
    details: "A window lasts `cheaper-overload` seconds.",
    example: `${BUSYNESS}cheaper-busyness-max = 70`,
  },
  cheaperBusynessMin: {
    ...COMMON,
    name: "cheaper-busyness-min",
    argument: "PERCENT",
    kind: kind.integer(0, 99),
    default: 25,
    help: "Average load below which one worker leaves, after some windows",
    details:
      "It must be less than `cheaper-busyness-max`. Nobody leaves if the others would then " +
      "be above the maximum.",
    example: `${BUSYNESS}cheaper-busyness-min = 20`,
  },
  cheaperBusynessMultiplier: {
    ...COMMON,
    name: "cheaper-busyness-multiplier",
    argument: "N",
    kind: kind.integer(1, 86_400),
    default: 10,
    help: "Windows in a row below the minimum before a worker leaves",
    details: "",
    example: `${BUSYNESS}cheaper-busyness-multiplier = 20`,
  },
  cheaperBusynessPenalty: {
    ...COMMON,
    name: "cheaper-busyness-penalty",
    argument: "N",
    kind: kind.integer(0, 86_400),
    default: 2,
    help: "Windows by which that grows when a worker left and was needed again soon",
    details: "Each time a worker leaves and is not missed takes one penalty back.",
    example: `${BUSYNESS}cheaper-busyness-penalty = 5`,
  },
  cheaperBusynessBacklogAlert: {
    ...COMMON,
    name: "cheaper-busyness-backlog-alert",
    argument: "N",
    kind: kind.integer(1, 1_000_000),
    default: 33,
    help: "Waiting connections above which emergency workers are started at once",
    details: "Emergency workers do not wait for the end of the window.",
    example: `${BUSYNESS}cheaper-busyness-backlog-alert = 10`,
  },
  cheaperBusynessBacklogStep: {
    ...COMMON,
    name: "cheaper-busyness-backlog-step",
    argument: "N",
    kind: kind.integer(1, 1024),
    default: 1,
    help: "Emergency workers that are started at once",
    details: "",
    example: `${BUSYNESS}cheaper-busyness-backlog-step = 2`,
  },
  cheaperBusynessBacklogMultiplier: {
    ...COMMON,
    name: "cheaper-busyness-backlog-multiplier",
    argument: "N",
    kind: kind.integer(1, 86_400),
    default: 3,
    help: "Windows in a row below the minimum before an emergency worker leaves",
    details: "",
    example: `${BUSYNESS}cheaper-busyness-backlog-multiplier = 5`,
  },
  cheaperBusynessBacklogNonzeroMs: {
    ...COMMON,
    name: "cheaper-busyness-backlog-nonzero",
    argument: "SECONDS",
    kind: kind.seconds(1, 86_400),
    default: 60_000,
    help: "Time in which the queues are never seen empty after which an emergency worker starts",
    details: "",
    example: `${BUSYNESS}cheaper-busyness-backlog-nonzero = 30`,
  },
  cheaperBusynessVerbose: {
    ...COMMON,
    name: "cheaper-busyness-verbose",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    help: "Log the load of every window",
    details: "",
    example: `${BUSYNESS}cheaper-busyness-verbose = true`,
  },
};
