/**
 * The settings of scaling, and the numbers that follow from nothing else.
 *
 * @module
 */

import type { AlgorithmSettings } from "./algorithm.ts";
import type { AlgorithmName } from "./algorithms.ts";
import type { LoadSettings } from "./load.ts";

/** What decisions depend on. */
export interface ScalingSettings extends AlgorithmSettings, LoadSettings {
  /** Fewest workers (`cheaper`); 0: always as many as there are slots. */
  readonly cheaper: number;
  /** Workers at the start (`cheaper-initial`); 0: as many as `cheaper`. */
  readonly initial: number;
  /** `cheaper-algo`. */
  readonly algorithm: AlgorithmName;
  /** Memory at which nobody is added (`cheaper-rss-limit-soft`), bytes; 0: none. */
  readonly rssSoft: number;
  /** Memory at which somebody leaves (`cheaper-rss-limit-hard`), bytes; 0: none. */
  readonly rssHard: number;
  /** Time without requests until nobody is needed (`idle`), ms; 0: never. */
  readonly idleMs: number;
  /** The instance stops then (`die-on-idle`). */
  readonly dieOnIdle: boolean;
}

/** Workers at the start, and when somebody asks after a time without any. */
export function initialWorkers(settings: ScalingSettings, processes: number): number {
  return clamp(settings.initial || fewestWorkers(settings, processes), settings, processes);
}

/** The number that is `by` more (or less) than `wanted`, as far as the limits allow. */
export function adjusted(
  settings: ScalingSettings,
  processes: number,
  wanted: number,
  by: number,
): number {
  return clamp(wanted + by, settings, processes);
}

/** The fewest workers of an instance that has any. */
export function fewestWorkers({ cheaper }: ScalingSettings, processes: number): number {
  return cheaper === 0 ? processes : Math.min(cheaper, processes);
}

function clamp(workers: number, settings: ScalingSettings, processes: number): number {
  return Math.min(Math.max(workers, fewestWorkers(settings, processes)), processes);
}
