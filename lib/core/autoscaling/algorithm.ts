/**
 * What the algorithms of `cheaper-algo` have in common. An algorithm is a function that holds what it
 * remembers: it looks at one second, says how many workers it wants, and which algorithm goes on.
 *
 * @module
 */

/** What the algorithm goes by; loads in percent, times in windows of `overload` seconds. */
export interface BusynessSettings {
  /** Average load above which workers are added (`cheaper-busyness-max`). */
  readonly max: number;
  /** Average load below which one leaves (`cheaper-busyness-min`). */
  readonly min: number;
  /** Windows below the minimum before that (`cheaper-busyness-multiplier`). */
  readonly multiplier: number;
  /** Windows more after a worker was sent away too early (`cheaper-busyness-penalty`). */
  readonly penalty: number;
  /** Queue above which emergency workers are added (`cheaper-busyness-backlog-alert`). */
  readonly alert: number;
  /** How many of them at once (`cheaper-busyness-backlog-step`). */
  readonly alertStep: number;
  /** Windows before one of them leaves (`cheaper-busyness-backlog-multiplier`). */
  readonly alertMultiplier: number;
  /** Seconds with a queue that add one (`cheaper-busyness-backlog-nonzero`). */
  readonly nonzeroSeconds: number;
  /** Say what each window was like (`cheaper-busyness-verbose`). */
  readonly verbose: boolean;
}

/** What algorithms go by. */
export interface AlgorithmSettings {
  /** Workers that are added at once (`cheaper-step`). */
  readonly step: number;
  /** `cheaper-overload`: seconds, or connections. */
  readonly overload: number;
  /** Only for `busyness`. */
  readonly busyness: BusynessSettings;
}

/** One second of an instance whose wanted workers all accept, as far as they can be started. */
export interface LoadSample {
  /** Workers that are wanted now. */
  readonly workers: number;
  /** Workers that there can be. */
  readonly most: number;
  /** The load of each worker that accepts, from 0 to 1. */
  readonly loads: readonly number[];
  /** Connections that wait in the longest queue. */
  readonly queue: number;
  readonly settings: AlgorithmSettings;
}

/** What an algorithm makes of one second. */
export interface Recommendation {
  /** Workers that it wants; whoever asked keeps it within the limits. */
  readonly workers: number;
  /** Why, if that is another number than now. */
  readonly why: string;
  /** What it says about its measurements; absent: nothing. */
  readonly note?: string;
  /** What goes on with the next second. */
  readonly next: Algorithm;
}

/** An algorithm together with what it remembers. */
export type Algorithm = (view: LoadSample) => Recommendation;

/** An opinion that changes nothing. */
export function stay({ workers }: LoadSample, next: Algorithm, note?: string): Recommendation {
  return { workers, why: "", next, ...(note === undefined ? {} : { note }) };
}

/** The load of all workers together: 1.5 fills one and a half. */
export function totalLoad({ loads }: LoadSample): number {
  return loads.reduce((sum, load) => sum + load, 0);
}

/**
 * True if one worker less would be loaded to at most `share` on average. It keeps an algorithm from
 * sending away somebody whom it would call back: every one shrinks only where this holds for a share
 * below the one at which it grows.
 */
export function fitsWithoutOne(view: LoadSample, share: number): boolean {
  return view.workers > 1 && totalLoad(view) <= share * (view.workers - 1);
}
