/**
 * `cheaper-algo = manual`: only who operates the instance changes the number of workers.
 *
 * @module
 */

import { type LoadSample, type Recommendation, stay } from "./algorithm.ts";

/** Leaves everything as it is. */
export function manual(view: LoadSample): Recommendation {
  return stay(view, manual);
}
