/**
 * Runs in the master. What the options of scaling mean for decisions. Small, because every master asks
 * here whether it needs the rest.
 *
 * @module
 */

import type { ScalingConfig } from "../../config/options/scaling.ts";
import { initialWorkers, type ScalingSettings } from "../../core/autoscaling/settings.ts";

/** True if the number of workers is to follow anything at all. */
export function usesScaling({ cheaper, cheap, idleMs }: ScalingConfig): boolean {
  return cheaper > 0 || cheap || idleMs > 0;
}

/** True if the workers' memory has to be looked at. */
export function needsMemory({ cheaper, cheaperRssLimitSoft }: ScalingConfig): boolean {
  return cheaper > 0 && cheaperRssLimitSoft > 0;
}

/** How many slots are to have a worker at the start; null: all, for good. */
export function wantedAtStart(config: ScalingConfig, processes: number): number | null {
  if (config.cheap) return 0;
  return usesScaling(config) ? initialWorkers(scalingSettings(config), processes) : null;
}

/** The settings that a configuration means. */
export function scalingSettings(config: ScalingConfig): ScalingSettings {
  return {
    cheaper: config.cheaper,
    initial: config.cheaperInitial,
    step: config.cheaperStep,
    overload: config.cheaperOverload,
    algorithm: config.cheaperAlgo,
    busyLagMs: config.cheaperBusyLagMs,
    busyRequests: config.cheaperBusyRequests,
    rssSoft: config.cheaperRssLimitSoft,
    rssHard: config.cheaperRssLimitHard,
    idleMs: config.idleMs,
    dieOnIdle: config.dieOnIdle,
    busyness: {
      max: config.cheaperBusynessMax,
      min: config.cheaperBusynessMin,
      multiplier: config.cheaperBusynessMultiplier,
      penalty: config.cheaperBusynessPenalty,
      alert: config.cheaperBusynessBacklogAlert,
      alertStep: config.cheaperBusynessBacklogStep,
      alertMultiplier: config.cheaperBusynessBacklogMultiplier,
      nonzeroSeconds: config.cheaperBusynessBacklogNonzeroMs / 1_000,
      verbose: config.cheaperBusynessVerbose,
    },
  };
}
