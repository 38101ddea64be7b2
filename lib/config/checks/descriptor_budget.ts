/**
 * How many open files an instance takes, decided from its configuration: whoever has too few cannot start
 * workers, or loses what it needs when it replaces them.
 *
 * @module
 */

import { parseAddress } from "../../system/sockets/address.ts";
import type { Config } from "../config.ts";
import { shapesLog } from "../log_needs.ts";

/** What counts. */
export type CountedConfig =
  & Pick<Config, "sockets" | "processes" | "reusePort">
  & Parameters<typeof shapesLog>[0];

/** What Deno and duwsgi have open in a master beside queues and workers, and for a moment at a start (34). */
const BASE = 34;
/** A worker's standard error, its control pipe, and what tells that it has ended (3). */
const FOR_WORKER = 3;
/** Where the log is no plain text, a file in memory that is open twice (2). */
const FOR_WORDS = 2;

/** How many descriptors the master needs, also while all workers are replaced. */
export function descriptorsNeeded(config: CountedConfig): number {
  const forWorker = FOR_WORKER + (shapesLog(config) ? FOR_WORDS : 0);
  return BASE + queues(config) + forWorker * 2 * config.processes;
}

/**
 * Why an instance cannot run with so many open files.
 *
 * @returns Null: it can.
 */
export function whyTooFewDescriptors(config: CountedConfig, limit: number): string | null {
  const needed = descriptorsNeeded(config);
  if (needed <= limit) return null;
  const { processes, sockets } = config;
  const have = `${sockets.length} sockets and ${processes} workers take ${needed} open files`;
  return `${have}, and the limit is ${limit}: set max-fd to more, or take fewer sockets or workers`;
}

/** A TCP address has a queue for each worker. */
function queues({ sockets, processes, reusePort }: CountedConfig): number {
  return sockets.reduce(
    (all, { text }) => all + (reusePort && parseAddress(text).kind === "tcp" ? processes : 1),
    0,
  );
}
