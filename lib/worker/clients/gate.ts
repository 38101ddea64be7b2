/**
 * When a worker has too many clients, and when it may have more. Pure.
 *
 * @module
 */

/** The share of its descriptors that a worker leaves to its clients, if nothing else is said. */
const SHARE = 0.8;

/**
 * Most connections.
 *
 * @param configured `max-connections`; 0: not said.
 * @param limit How many descriptors the process may have.
 * @param own How many of them are no connections of clients.
 * @param each How many a client takes.
 */
export function mostConnections(
  configured: number,
  limit: number,
  own: number,
  each: number,
): number {
  if (configured > 0) return configured;
  return Math.max(1, Math.floor((limit * SHARE - own) / each));
}

/** With so many it accepts again: not for each connection that ends, if there are many. */
export function fewEnough(most: number): number {
  return most - Math.max(1, Math.floor(most / 10));
}

/** The pauses between two looks at their number, far below the limit and near to it (ms). */
const FAR_MS = 1_000;
const NEAR_MS = 100;

/** How long to wait before the next look, with at most so many connections now. */
export function nextLookMs(connections: number, most: number): number {
  return connections * 2 < most ? FAR_MS : NEAR_MS;
}
