/**
 * Runs in the master, where an option asks for it: samples the workers and says what follows. Loaded
 * only then.
 *
 * @module
 */

import type { MasterEvent } from "../../core/event.ts";
import type { Worker } from "../../core/state.ts";
import { checkLimits, type MemoryStreaks } from "../../core/policies/limits.ts";
import type { WorkerSample } from "../../core/policies/sample.ts";
import type { Limits } from "../../core/policies/limit_settings.ts";
import { processMemory } from "../../system/process/process_memory.ts";
import { Attempts } from "../attempts.ts";
import { Sampler, type SampleSources } from "./sampler.ts";

/** What is looked at, and who is told. */
export interface MonitorSetup extends Omit<SampleSources, "memory"> {
  /** The workers as they are now. */
  workers(): readonly Worker[];
  /** Takes what follows. */
  report(masterEvent: MasterEvent): void;
  /** Takes the samples, for whatever else may follow. */
  sampled(samples: readonly WorkerSample[]): void;
}

/** Looks at the workers, once per second. */
export class WorkerInspection {
  readonly #setup: MonitorSetup;
  readonly #sampler: Sampler;
  readonly #attempts = new Attempts("inspectionFailed");
  #streaks: MemoryStreaks = new Map();

  /** Takes what is looked at, and who is told. */
  constructor(setup: MonitorSetup) {
    this.#setup = setup;
    this.#sampler = new Sampler({
      clock: setup.clock,
      health: (worker) => setup.health(worker),
      memory: processMemory,
    });
  }

  /** Samples the workers, and reports what follows from their limits and from their load. */
  look(limits: Limits, withMemory: boolean): void {
    const samples = this.#attempts.make("Cannot look at the workers", () => {
      const workers = this.#setup.workers();
      const taken = this.#sampler.take(workers, performance.now(), withMemory);
      this.#judge(taken, limits);
      return taken;
    });
    if (samples === null) return;
    this.#attempts.make("Cannot scale the instance", () => this.#setup.sampled(samples));
  }

  #judge(samples: readonly WorkerSample[], limits: Limits): void {
    const { masterEvents, streaks } = checkLimits(samples, limits, this.#streaks);
    this.#streaks = streaks;
    for (const masterEvent of masterEvents) this.#setup.report(masterEvent);
  }
}
