/**
 * When a worker that died is replaced: at once, and with growing pauses if it keeps dying. A slot's
 * record is clean again once a worker has lived for {@linkcode STABLE_MS}.
 *
 * @module
 */

/** A worker that lived this long has not "kept dying" (10 s). */
export const STABLE_MS = 10_000;

/** The pause after the second death in a row (250 ms); each further one doubles it. */
export const FIRST_PAUSE_MS = 250;

/** The longest pause (30 s). */
export const LONGEST_PAUSE_MS = 30_000;

/**
 * How many deaths in a row a slot has seen, this one included.
 *
 * @param before Deaths in a row before this one.
 * @param livedMs How long the worker that just died had lived.
 */
export function deathsInARow(before: number, livedMs: number): number {
  return livedMs >= STABLE_MS ? 1 : before + 1;
}

/** The part by which the pauses of slots differ at most (a quarter). */
const JITTER = 0.25;
/** Multiples of it spread evenly over 0 to 1, whatever their number (the golden ratio). */
const SPREAD = 0.382;

/**
 * The pause before the next worker of a slot. Slots whose workers die together, because what they all
 * need is away, do not come back together.
 */
export function pauseOfSlot(deaths: number, slot: number): number {
  const jitter = JITTER * (((slot - 1) * SPREAD) % 1);
  return Math.round(pauseBeforeRespawn(deaths) * (1 + jitter));
}

/** The pause before the replacement, in milliseconds: 0, 250, 500, 1000 … 30000. */
export function pauseBeforeRespawn(deaths: number): number {
  if (deaths <= 1) return 0;
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(deaths - 2, 20), LONGEST_PAUSE_MS);
}
