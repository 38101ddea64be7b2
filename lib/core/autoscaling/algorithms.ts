/**
 * The table of `cheaper-algo`.
 *
 * @module
 */

import type { Algorithm } from "./algorithm.ts";
import { backlog } from "./backlog.ts";
import { busyness } from "./busyness.ts";
import { manual } from "./manual.ts";
import { spare } from "./spare.ts";

/** The algorithms as they begin, by name. */
export const ALGORITHMS = {
  spare: spare(),
  backlog: backlog(),
  busyness: busyness(),
  manual,
} as const satisfies Readonly<Record<string, Algorithm>>;

/** Name of an algorithm. */
export type AlgorithmName = keyof typeof ALGORITHMS;
