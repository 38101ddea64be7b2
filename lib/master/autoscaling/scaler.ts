/**
 * Runs in the master, where options of scaling are used, or somebody wanted no workers; loaded only
 * then. Measures what decisions need,
 * reports what was decided, and waits for a connection while there are no workers.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { ScalingConfig } from "../../config/options/scaling.ts";
import type { MasterEvent } from "../../core/event.ts";
import type { WorkerSample } from "../../core/policies/sample.ts";
import { scaleDownObstacle } from "../../core/worker_count.ts";
import {
  beginScaling,
  decideScaling,
  type ScalingMemory,
  type ScalingWorker,
} from "../../core/autoscaling/scaling.ts";
import { adjusted, initialWorkers, type ScalingSettings } from "../../core/autoscaling/settings.ts";
import { desiredSlots, EVERYBODY, type MasterState } from "../../core/state.ts";
import type { ConnectionWatch } from "../../system/sockets/connection_watch.ts";
import type { Libc } from "../../system/libc.ts";
import { processCpuMs } from "../../system/process/process_cpu.ts";
import { logLine } from "../log.ts";
import { Queues, type SocketSource } from "./listen_queues.ts";
import { scalingSettings, usesScaling } from "./scaling_settings.ts";

/** What a scaler works with. */
export interface ScalerSetup {
  readonly libc: Libc;
  readonly sockets: SocketSource;
  /** Takes what was decided. */
  readonly report: (masterEvent: MasterEvent) => void;
}

/** What of the configuration it needs. */
export type ScalerConfig = ScalingConfig & {
  /** Length of each queue (`listen`). */
  readonly listen: number;
};

/** Lets the number of workers follow the load. */
export class Scaler {
  readonly #report: (masterEvent: MasterEvent) => void;
  readonly #queues: Queues;
  #settings: ScalingSettings;
  /** True if options let the number of workers follow something. */
  #follows: boolean;
  #scaling: ScalingMemory;
  readonly #listen: number;
  #watch: ConnectionWatch | null = null;
  /** Fulfilled when no watch is left that was ever begun. */
  #ended: Promise<unknown> = Promise.resolve();
  #cpu: ReadonlyMap<number, { readonly ms: number; readonly at: number }> = new Map();
  #toldWhyNot = false;
  #closed = false;

  /** Nothing is waited for before {@linkcode show}. */
  constructor({ libc, sockets, report }: ScalerSetup, config: ScalerConfig) {
    this.#report = report;
    this.#queues = new Queues(libc, sockets);
    this.#settings = scalingSettings(config);
    this.#follows = usesScaling(config);
    this.#scaling = beginScaling(this.#settings);
    this.#listen = config.listen;
  }

  /** From now on, this is the configuration. */
  use(config: ScalerConfig): void {
    this.#settings = scalingSettings(config);
    const followed = this.#follows;
    this.#follows = usesScaling(config);
    // Where nothing was followed before, somebody has wanted no workers: so it stays.
    if (this.#follows || !followed) return;
    const why = "the number of workers is fixed again";
    this.#report({ type: "want", workers: EVERYBODY, why });
  }

  /** Judges the samples of this second. */
  take(samples: readonly WorkerSample[], state: MasterState): void {
    if (desiredSlots(state) === 0) {
      // What was before a time without workers says nothing about what comes after it.
      this.#scaling = beginScaling(this.#settings);
      return;
    }
    const at = performance.now();
    const workers = this.#measure(samples, state, at);
    const problem = scaleDownObstacle(state);
    const { scaling, decision, note } = decideScaling(this.#scaling, {
      at,
      workers,
      queue: this.#queues.longest,
      processes: state.settings.processes,
      wanted: desiredSlots(state),
      settled: isSettled(state),
      mayShrink: problem === null,
    }, this.#settings);
    this.#scaling = scaling;
    if (note !== null) logLine("info", note, { event: "load" });
    if (problem !== null) this.#tell(problem);
    if (decision.type !== "stay") this.#report(decision);
  }

  /** Sees every new state: while nobody is wanted, a connection is waited for. */
  show(state: MasterState): void {
    const asleep = state.phase === "running" && desiredSlots(state) === 0 && !state.paused;
    if (!asleep) return this.#stopWaiting();
    if (this.#watch !== null || this.#closed) return;
    const workers = this.#follows
      ? initialWorkers(this.#settings, state.settings.processes)
      : EVERYBODY;
    const wake = (why: string) => this.#report({ type: "want", workers, why });
    try {
      // With `cheap`, no worker has had any of them listen.
      this.#queues.openFirst(this.#listen);
      const watch = this.#queues.watch();
      this.#watch = watch;
      const result = watch.result.then(
        (found) => found && wake("a connection waits"),
        (error) => wake(errorText(error)),
      );
      this.#ended = Promise.all([this.#ended, result]);
    } catch (error) {
      // Whoever cannot wait for connections must not let them wait.
      wake(errorText(error));
    }
  }

  /** What is waited for is over: the next {@linkcode show} looks at the sockets that there are. */
  socketsChanged(): void {
    this.#stopWaiting();
  }

  /**
   * Somebody wants more workers, or fewer (`by` below 0), within `cheaper` to `processes`.
   *
   * @returns How many are wanted now.
   */
  nudge(by: number, why: string, state: MasterState): number {
    const before = desiredSlots(state);
    const workers = adjusted(this.#settings, state.settings.processes, before, by);
    if (workers !== before) this.#report({ type: "want", workers, why });
    return workers;
  }

  /**
   * Waits for nothing any more; to be called before the sockets are closed.
   *
   * @returns Fulfilled when the sockets are not in use here any more.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWaiting();
    await this.#ended;
  }

  #stopWaiting(): void {
    this.#watch?.cancel();
    this.#watch = null;
  }

  /** The samples of workers that accept, with their share of a CPU. */
  #measure(samples: readonly WorkerSample[], state: MasterState, at: number): ScalingWorker[] {
    const accepting = new Set(
      state.workers.filter((one) => one.state === "accepting").map(({ id }) => id),
    );
    const cpu = new Map<number, { readonly ms: number; readonly at: number }>();
    const workers = samples.filter((sample) => accepting.has(sample.worker)).map((sample) => {
      const ms = processCpuMs(sample.pid);
      const before = this.#cpu.get(sample.worker);
      if (ms !== null) cpu.set(sample.worker, { ms, at });
      const known = ms !== null && before !== undefined && at > before.at;
      return {
        ...sample,
        cpu: known ? (ms - before.ms) / (at - before.at) : null,
        rss: sample.memory?.rss ?? null,
      };
    });
    this.#cpu = cpu;
    return workers;
  }

  #tell(problem: string): void {
    if (this.#toldWhyNot) return;
    this.#toldWhyNot = true;
    logLine("warning", `The number of workers can only grow: ${problem}`, { event: "onlyGrows" });
  }
}

/** False while workers come: what is measured then says nothing about the time afterwards. */
function isSettled({ phase, paused, reload, workers }: MasterState): boolean {
  return phase === "running" && !paused && reload === null &&
    !workers.some((worker) => worker.state === "starting");
}
