/**
 * Runs in the worker. Whether it leaves, for those who would do something else if it stayed.
 *
 * @module
 */

let leaving = false;

/** From now on, this worker leaves. */
export function noteLeaving(): void {
  leaving = true;
}

/** True once this worker leaves, whoever wanted it. */
export function workerLeaves(): boolean {
  return leaving;
}
