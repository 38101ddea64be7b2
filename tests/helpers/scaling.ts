/**
 * An instance under load, second by second, without a process: what the workers' load would be, and
 * what the scaling makes of it.
 *
 * @module
 */
import {
  beginScaling,
  decideScaling,
  type ScalingAction,
  type ScalingMemory,
  type ScalingSample,
  type ScalingWorker,
} from "../../lib/core/autoscaling/scaling.ts";
import { initialWorkers, type ScalingSettings } from "../../lib/core/autoscaling/settings.ts";

/** Settings as the configuration has them by default, with `cheaper = 1`. */
export const SETTINGS: ScalingSettings = {
  cheaper: 1,
  initial: 0,
  step: 1,
  overload: 3,
  algorithm: "spare",
  busyLagMs: 50,
  busyRequests: 100,
  rssSoft: 0,
  rssHard: 0,
  idleMs: 0,
  dieOnIdle: false,
  busyness: {
    max: 50,
    min: 25,
    multiplier: 10,
    penalty: 2,
    alert: 33,
    alertStep: 1,
    alertMultiplier: 3,
    nonzeroSeconds: 60,
    verbose: false,
  },
};

/** One worker of a sample: idle, unless something else is said. */
export function worker(number: number, more: Partial<ScalingWorker> = {}): ScalingWorker {
  return {
    worker: number,
    requests: 1,
    inFlight: 0,
    silentMs: 0,
    heartbeatMs: 5_000,
    loopLagMs: 0,
    cpu: 0,
    rss: 50_000_000,
    ...more,
  };
}

/** What clients ask for in one second. */
export interface Demand {
  /** Workers that it would fill: 2.5 fills two and a half. */
  readonly load: number;
  /** Bytes that each worker takes. @default 50,000,000 */
  readonly rss?: number;
}

/** An instance whose workers start and leave within the second. */
export class ScalingSimulation {
  /** Workers that are wanted now. */
  wanted: number;
  /** What was decided, with the second in which it was. */
  readonly decisions: (Exclude<ScalingAction, { type: "stay" }> & { readonly second: number })[] =
    [];
  /** What was said about measurements. */
  readonly notes: string[] = [];
  #scaling: ScalingMemory;
  #requests = 0;
  #second = 0;

  /** `processes` slots, and as many workers as there are at the start. */
  constructor(readonly settings: ScalingSettings, readonly processes: number) {
    this.#scaling = beginScaling(settings);
    this.wanted = initialWorkers(settings, processes);
  }

  /** Lets one second pass; returns the number of workers then. */
  second({ load, rss = 50_000_000 }: Demand, more: Partial<ScalingSample> = {}): number {
    const each = Math.min(1, load / Math.max(1, this.wanted));
    // What the workers cannot do waits, and with nobody there everything does.
    const queue = load > this.wanted ? Math.round((load - this.wanted) * 100) : 0;
    this.#requests += load > 0 ? 1 : 0;
    const alike = worker(0, { requests: this.#requests + 1, cpu: each * 0.8, rss });
    const workers = Array.from(
      { length: this.wanted },
      (_, slot) => ({ ...alike, worker: slot + 1 }),
    );
    this.#second += 1;
    const { scaling, decision, note } = decideScaling(this.#scaling, {
      at: this.#second * 1_000,
      workers,
      queue,
      processes: this.processes,
      wanted: this.wanted,
      settled: true,
      mayShrink: true,
      ...more,
    }, this.settings);
    this.#scaling = scaling;
    if (note !== null) this.notes.push(note);
    if (decision.type === "stay") return this.wanted;
    this.decisions.push({ ...decision, second: this.#second });
    if (decision.type === "want") this.wanted = decision.workers;
    return this.wanted;
  }

  /** Lets many seconds pass; returns the number of workers after each. */
  run(seconds: number, demand: Demand): number[] {
    return Array.from({ length: seconds }, () => this.second(demand));
  }
}

/** A simulation with some settings of its own. */
export function simulate(more: Partial<ScalingSettings>, processes = 6): ScalingSimulation {
  return new ScalingSimulation({ ...SETTINGS, ...more }, processes);
}
