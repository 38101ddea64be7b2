/**
 * Runs in the master. Looks at the workers regularly, as often as the configuration needs it: once per
 * second, or, where no option asks for that, only whether a worker has set itself a time.
 *
 * @module
 */

import { SAMPLE_MS } from "../../core/policies/sample.ts";
import {
  type Limits,
  type SamplingNeeds,
  samplingNeeds,
} from "../../core/policies/limit_settings.ts";
import { lazyImport } from "../../lazy_import.ts";
import { type Cancel, every } from "../../system/timing.ts";
import type { MonitorSetup, WorkerInspection } from "./inspection.ts";
import { guarded } from "../guarded.ts";

/**
 * A worker that sets itself a time says so, and is looked at from then on. One whose event loop is
 * blocked from that moment cannot say it, and is found by this (10 s).
 */
const IDLE_MS = 10_000;

/** Looks at the workers until it is closed. */
export class WorkerMonitor {
  readonly #setup: MonitorSetup;
  #limits: Limits | null = null;
  #memory = false;
  #cancel: Cancel = () => {};
  #closely = false;
  #inspection: WorkerInspection | null = null;

  /** Nobody is looked at before {@linkcode use}. */
  constructor(setup: MonitorSetup) {
    this.#setup = setup;
  }

  /** From now on, these are the limits; `more` is what samples are needed for beside them. */
  use(limits: Limits, more: Pick<SamplingNeeds, "samples" | "memory">): void {
    const own = samplingNeeds(limits);
    this.#limits = limits;
    this.#memory = own.memory || more.memory;
    this.#begin(own.samples || more.samples);
  }

  /** A worker has set itself a time: it is to be looked at, whatever the options say. */
  wake(): void {
    if (!this.#closely) this.#begin(true);
  }

  /** Looks no more. */
  close(): void {
    this.#cancel();
  }

  #begin(closely: boolean): void {
    this.#closely = closely;
    this.#cancel();
    this.#cancel = closely
      ? every(SAMPLE_MS, () => this.#look())
      : every(IDLE_MS, () => this.#lookForDeadlines());
  }

  #look(): void {
    // Loading it belongs to no start: nobody is over a limit in the first second.
    if (this.#inspection === null) return guarded("look at the workers", () => this.#load());
    if (this.#limits === null) return;
    this.#inspection.look(this.#limits, this.#memory);
  }

  async #load(): Promise<void> {
    const { WorkerInspection } = await lazyImport<typeof import("./inspection.ts")>(
      import.meta.resolve("./inspection.ts"),
    );
    this.#inspection ??= new WorkerInspection(this.#setup);
  }

  #lookForDeadlines(): void {
    const { workers, health } = this.#setup;
    const set = workers().some(({ id }) => (health(id)?.processRow.get("userDeadline") ?? 0) !== 0);
    if (set) this.wake();
  }
}
