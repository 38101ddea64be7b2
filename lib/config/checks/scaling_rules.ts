/**
 * What must hold between the options of scaling, and between them and `processes`.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { Entry } from "../ini/entry.ts";
import { formatOrigin, type Problems } from "../problem.ts";

/** Finds the last use of an option; undefined: it was not used. */
export type FindEntry = (key: keyof Config) => Entry | undefined;

/** Options that do nothing unless others are set: using one is a mistake worth a warning. */
const NEEDS: readonly {
  readonly keys: readonly (keyof Config)[];
  readonly met: (config: Config) => boolean;
  readonly needed: string;
}[] = [
  {
    keys: [
      "cheaperInitial",
      "cheaperStep",
      "cheaperOverload",
      "cheaperAlgo",
      "cheaperBusyLagMs",
      "cheaperBusyRequests",
      "cheaperRssLimitSoft",
      "cheaperRssLimitHard",
    ],
    met: ({ cheaper }) => cheaper > 0,
    needed: "cheaper",
  },
  {
    keys: [
      "cheaperBusynessMax",
      "cheaperBusynessMin",
      "cheaperBusynessMultiplier",
      "cheaperBusynessPenalty",
      "cheaperBusynessBacklogAlert",
      "cheaperBusynessBacklogStep",
      "cheaperBusynessBacklogMultiplier",
      "cheaperBusynessBacklogNonzeroMs",
      "cheaperBusynessVerbose",
    ],
    met: ({ cheaper, cheaperAlgo }) => cheaper > 0 && cheaperAlgo === "busyness",
    needed: "cheaper and cheaper-algo = busyness",
  },
  { keys: ["dieOnIdle"], met: ({ idleMs }) => idleMs > 0, needed: "idle" },
];

/** Reports what does not fit together. */
export function checkScaling(config: Config, find: FindEntry, problems: Problems): void {
  const complain = (kind: "error" | "warning", key: keyof Config, message: string) => {
    const entry = find(key);
    if (entry === undefined) return;
    problems[kind](entry.origin, `"${entry.key}" at ${formatOrigin(entry.origin)} ${message}`);
  };
  for (const { keys, met, needed } of NEEDS) {
    if (met(config)) continue;
    for (const key of keys) complain("warning", key, `has no effect without ${needed}`);
  }
  checkMemory(config, complain);
  const { processes, cheaper, cheaperInitial: initial } = config;
  if (cheaper === 0) return;
  if (cheaper >= processes) {
    const advice = `must be less than processes, which is ${processes}`;
    return complain("error", "cheaper", `is ${cheaper} and ${advice}: lower it, or raise that`);
  }
  if (initial !== 0 && (initial < cheaper || initial > processes)) {
    const text = `is ${initial} and must be from cheaper (${cheaper}) to processes (${processes})`;
    const used = Math.min(Math.max(initial, cheaper), processes);
    complain("warning", "cheaperInitial", `${text}: ${used} is used instead`);
  }
  const { cheaperBusynessMin: min, cheaperBusynessMax: max } = config;
  if (config.cheaperAlgo === "busyness" && min >= max) {
    const key = find("cheaperBusynessMin") === undefined
      ? "cheaperBusynessMax"
      : "cheaperBusynessMin";
    complain("error", key, `leaves no room: the minimum is ${min} percent, the maximum ${max}`);
  }
}

function checkMemory(
  { cheaperRssLimitSoft: soft, cheaperRssLimitHard: hard }: Config,
  complain: (kind: "error", key: keyof Config, message: string) => void,
): void {
  if (hard === 0) return;
  if (soft === 0) {
    complain("error", "cheaperRssLimitHard", "needs cheaper-rss-limit-soft: set both");
  } else if (hard <= soft) {
    const text = `is ${hard} and must be larger than cheaper-rss-limit-soft, which is ${soft}`;
    complain("error", "cheaperRssLimitHard", text);
  }
}
