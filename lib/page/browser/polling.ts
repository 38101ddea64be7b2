/**
 * When the page asks again, and how long it waits for an answer.
 *
 * @module
 */

import type { Stats } from "../../stats/stats.ts";

/** How often the page asks while it is answered, in milliseconds. */
export const POLL_MS = 1000;

/** How long it waits for an answer, in milliseconds. */
export const ANSWER_MS = 5000;

/** The longest time between two attempts while nobody answers, in milliseconds. */
const MOST_MS = 10_000;

/**
 * Milliseconds until the next attempt.
 *
 * @param failures attempts in a row that failed
 * @param took milliseconds that the last attempt took
 */
export function nextPollIn(failures: number, took: number): number {
  const pause = Math.min(MOST_MS, POLL_MS * 2 ** Math.max(0, failures - 1));
  return failures === 0 ? Math.max(100, pause - took) : pause;
}

/**
 * The document in an answer.
 *
 * @throws {Error} if it is none; the message says what it is instead
 */
export async function readStats(response: Response): Promise<Stats> {
  if (!response.ok) throw new Error(`it answered with status ${response.status}`);
  const text = await response.text();
  const stats: unknown = parse(text);
  if (!isStats(stats)) throw new Error("its answer is no stats document");
  return stats;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** True if it has what no other document has; the rest comes with it. */
function isStats(value: unknown): value is Stats {
  return typeof value === "object" && value !== null && "workers" in value && "sockets" in value &&
    "reloads" in value && Array.isArray(value.workers) && Array.isArray(value.sockets) &&
    Array.isArray(value.reloads);
}
