/**
 * `cheaper-algo = manual`: only who operates the instance changes the number of workers.
 *
 * @module
 */

import { type Opinion, stay, type View } from "./algorithm.ts";

/** Leaves everything as it is. */
export function manual(view: View): Opinion {
  return stay(view, manual);
}
