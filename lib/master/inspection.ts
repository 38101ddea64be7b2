/**
 * Runs in the master, where an option asks for it: samples the workers and says what follows. Loaded
 * only then.
 *
 * @module
 */

import type { Happening } from "../core/event.ts";
import { judge, type MemoryStreaks } from "../core/limits.ts";
import type { WorkerSample } from "../core/sample.ts";
import type { Worker } from "../core/state.ts";
import type { Limits } from "../core/watch.ts";
import { processMemory } from "../system/process_memory.ts";
import { Sampler, type SampleSources } from "./sampler.ts";

/** Looks at the workers, once per second. */
export class Inspection {
  readonly #sampler: Sampler;
  #streaks: MemoryStreaks = new Map();

  /** `sources` without the memory, which /proc has. */
  constructor(sources: Omit<SampleSources, "memory">) {
    this.#sampler = new Sampler({
      clock: sources.clock,
      vitals: (worker) => sources.vitals(worker),
      memory: processMemory,
    });
  }

  /** Samples these workers. */
  sample(workers: readonly Worker[], withMemory: boolean): readonly WorkerSample[] {
    return this.#sampler.take(workers, performance.now(), withMemory);
  }

  /** What has to happen to workers with these samples. */
  judge(samples: readonly WorkerSample[], limits: Limits): readonly Happening[] {
    const { happenings, streaks } = judge(samples, limits, this.#streaks);
    this.#streaks = streaks;
    return happenings;
  }
}
