/**
 * `cheaper-algo = backlog`: connections should not wait to be accepted.
 *
 * @module
 */

import { type Algorithm, fitsWithoutOne, stay } from "./algorithm.ts";

/** Seconds with empty queues before a worker leaves: uWSGI, which has no such time, flaps. */
const CALM_SECONDS = 10;
/** Average load of the others at which one more can go. */
const CALM_SHARE = 0.5;

/**
 * Adds workers when more than `overload` connections wait in one queue. One leaves when queues were
 * empty for some time and the others would be at most half loaded.
 */
export function backlog(calmSeconds = 0): Algorithm {
  return (view) => {
    const { workers, queue, settings: { overload, step } } = view;
    if (queue > overload) {
      return { workers: workers + step, why: `${queue} connections wait`, next: backlog() };
    }
    if (queue > 0 || !fitsWithoutOne(view, CALM_SHARE)) return stay(view, backlog());
    if (calmSeconds + 1 < CALM_SECONDS) return stay(view, backlog(calmSeconds + 1));
    const why = `no connection has waited for ${CALM_SECONDS} s`;
    return { workers: workers - 1, why, next: backlog() };
  };
}
