/**
 * `cheaper-algo = spare`: there should always be a worker that is not busy.
 *
 * @module
 */

import { type Algorithm, fitsWithoutOne, stay } from "./algorithm.ts";

/** Average load of the others at which one more is to spare: well below 1, where one is added. */
const SPARE_SHARE = 0.5;

/**
 * Adds workers when all are fully loaded for more than `overload` seconds in a row, and lets one go
 * when the others could have carried the load at most half loaded for as long.
 */
export function spare(busySeconds = 0, spareSeconds = 0): Algorithm {
  return (view) => {
    const { workers, loads, settings: { overload, step } } = view;
    if (loads.length > 0 && loads.every((load) => load >= 1)) {
      if (busySeconds < overload) return stay(view, spare(busySeconds + 1));
      const why = `all have been busy for ${busySeconds + 1} s`;
      return { workers: workers + step, why, next: spare() };
    }
    if (!fitsWithoutOne(view, SPARE_SHARE)) return stay(view, spare());
    if (spareSeconds < overload) return stay(view, spare(0, spareSeconds + 1));
    const why = `one has been to spare for ${spareSeconds + 1} s`;
    return { workers: workers - 1, why, next: spare() };
  };
}
