/**
 * Runs in the master. Stands for the metrics, and loads them when a configuration has some: other masters
 * have no use for their modules.
 *
 * @module
 */

import { UserError } from "../../errors.ts";
import { type MetricsConfig, usesMetrics } from "../../config/options/metrics.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { MetricPlace } from "../../shared_memory/metric_table.ts";
import type { Stats, StatsMetric } from "../../stats/stats.ts";
import { logLine } from "../log.ts";
import type { MetricKeeper, MetricSetup } from "./metric_keeper.ts";
import type { MetricRecord } from "./metric_registry.ts";
import { guarded } from "../guarded.ts";

/** What metrics need of the master. */
export interface LazyMetricSetup extends Omit<MetricSetup, "stats"> {
  /** False: each process has memory of its own. */
  readonly shared: boolean;
}

/** The metrics, if there are any. */
export class LazyMetrics {
  readonly #setup: LazyMetricSetup;
  #keeper: MetricKeeper | null = null;
  #config: MetricsConfig | null = null;
  #stats: MetricSetup["stats"] = () => Promise.reject(new Error("The instance has not begun"));
  #toldCost = false;

  /** Nothing is loaded yet. */
  constructor(setup: LazyMetricSetup) {
    this.#setup = setup;
  }

  /**
   * Makes room for the metrics of the first configuration, and uses it.
   *
   * @param stats Reads the stats.
   * @param handedOver True if there are workers already, so that nothing is reason enough to give up.
   * @throws {UserError} If something is in the way.
   */
  async open(
    config: MetricsConfig,
    stats: MetricSetup["stats"],
    handedOver: boolean,
  ): Promise<void> {
    this.#stats = stats;
    const problem = await new Promise<string | null>((resolve) => this.prepare(config, resolve));
    if (problem !== null && !handedOver) throw new UserError("configuration", problem);
    if (problem !== null) logLine("error", problem, { event: "metricsProblem" });
    this.use(config);
  }

  /**
   * Makes room for the metrics of the next configuration. `done` is told what is in the way, or null: at
   * once, unless something has to be loaded first.
   */
  prepare(config: MetricsConfig, done: (problem: string | null) => void): void {
    if (this.#keeper !== null || !usesMetrics(config)) {
      return done(this.#keeper?.prepare(config) ?? null);
    }
    guarded("load metrics", () => this.#load().then(() => this.prepare(config, done)), done);
  }

  /** What processes that run with this configuration have to know. */
  places(config: MetricsConfig): readonly MetricPlace[] {
    return this.#keeper?.places(config) ?? [];
  }

  /** From now on, this is the configuration. */
  use(config: MetricsConfig): void {
    this.#config = config;
    this.#keeper?.use(config);
    if (usesMetrics(config) && !this.#setup.shared) this.tellCost();
  }

  /** Says, once, that there is no shared memory to count in. */
  tellCost(): void {
    if (this.#toldCost) return;
    this.#toldCost = true;
    const text =
      "Without foreign functions each process has metrics of its own, which end with it: collectors, " +
      "thresholds and metrics-dir see none of what workers count";
    logLine("warning", text, { event: "ownMetrics" });
  }

  /** The metrics of the stats; undefined: there are none. */
  show(
    stats: Pick<Stats, "workers" | "sockets">,
  ): Readonly<Record<string, StatsMetric>> | undefined {
    const used = this.#config !== null && usesMetrics(this.#config);
    return used ? this.#keeper?.show(stats) : undefined;
  }

  /** These values have arrived at another server: see `reset_after_push`. */
  pushed(values: Readonly<Record<string, StatsMetric>>): void {
    this.#keeper?.pushed(values);
  }

  /** What another program of the master has to know. */
  get records(): readonly MetricRecord[] {
    return this.#keeper?.records ?? this.#setup.inherited;
  }

  /** The instance ends: the files are written for the last time. */
  async close(): Promise<void> {
    await this.#keeper?.close();
  }

  async #load(): Promise<void> {
    const { MetricKeeper } = await lazyImport<typeof import("./metric_keeper.ts")>(
      import.meta.resolve("./metric_keeper.ts"),
    );
    if (this.#keeper !== null) return;
    this.#keeper = new MetricKeeper({ ...this.#setup, stats: this.#stats });
    if (this.#config !== null) this.#keeper.use(this.#config);
  }
}
