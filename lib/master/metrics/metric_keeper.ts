/**
 * Runs in the master. The metrics of an instance: gives them their cells, works out those that have a
 * collector, compares them with their thresholds, and writes their files. Loaded only when the
 * configuration has metrics.
 *
 * @module
 */

import type { MetricLine, MetricType } from "../../config/values/metric_line.ts";
import type { MetricsConfig } from "../../config/options/metrics.ts";
import { amountToTake, collected, metricValue } from "../../core/policies/metrics.ts";
import {
  cellsOf,
  type MetricHistogram,
  type MetricPlace,
  readHistogram,
} from "../../shared_memory/metric_table.ts";
import { builtinMetrics } from "../../stats/builtin_metrics.ts";
import type { Stats, StatsMetric } from "../../stats/stats.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { Attempts } from "../attempts.ts";
import { MetricDirectory, type MetricText } from "./metric_directory.ts";
import { type FileMetric, MetricFiles } from "./metric_files.ts";
import { type MetricRecord, MetricRegistry } from "./metric_registry.ts";
import { MetricThresholds } from "./metric_thresholds.ts";

/** Metrics are looked at once per second. */
const SECOND_MS = 1_000;
/** The files have so long to be written at the end (2 s). */
const LAST_WRITE_MS = 2_000;

/** uWSGI's numbers for the types. */
const STATS_TYPES: Readonly<Record<MetricType, StatsMetric["type"]>> = {
  counter: 0,
  gauge: 1,
  absolute: 2,
  alias: 3,
  histogram: 0,
};

type Builtins = Readonly<Record<string, StatsMetric>>;

/** What the metrics of an instance live in. */
export interface MetricSetup {
  /** The memory that master and workers share. */
  readonly memory: ArrayBufferLike;
  /** What another program of the master has given cells to. */
  readonly inherited: readonly MetricRecord[];
  /** The stats, for duwsgi's own metrics; asked for once per second where something needs them. */
  readonly stats: () => Promise<Stats>;
}

/** All metrics. */
export class MetricKeeper {
  readonly #registry: MetricRegistry;
  readonly #stats: () => Promise<Stats>;
  #config: MetricsConfig | null = null;
  #directory: MetricDirectory | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #seconds = 0;
  #looking = false;
  #usesBuiltins = false;
  #lines: ReadonlyMap<string, MetricLine> = new Map();
  readonly #attempts = new Attempts("metricsProblem");
  readonly #files = new MetricFiles();
  readonly #thresholds = new MetricThresholds();

  /** Takes what the metrics live in; there are none yet. */
  constructor({ memory, inherited, stats }: MetricSetup) {
    this.#registry = new MetricRegistry(memory, inherited);
    this.#stats = stats;
  }

  /**
   * Makes room for the metrics of a configuration that is to be used next, beside those in use.
   *
   * @returns What is wrong, and then nothing has changed; null: nothing is.
   */
  prepare(config: MetricsConfig): string | null {
    // What a configuration before has brought, and nobody has confirmed, goes.
    this.#forgetOthers();
    const directory = this.#directoryFor(config);
    const initial = (line: MetricLine) => restored(line, config, directory);
    const problem = this.#registry.claim(config.metrics, initial) ?? directory?.problem() ?? null;
    if (problem !== null) this.#forgetOthers();
    return problem;
  }

  /** What processes that run with this configuration have to know. */
  places({ metrics }: MetricsConfig): readonly MetricPlace[] {
    return this.#registry.places(metrics);
  }

  /** From now on, this is the configuration; it was prepared. */
  use(config: MetricsConfig): void {
    this.#directory = this.#directoryFor(config);
    this.#config = config;
    this.#lines = new Map(config.metrics.map((line) => [line.name, line]));
    this.#usesBuiltins = usesBuiltins(config);
    this.#registry.keepOnly(config.metrics);
    clearInterval(this.#timer);
    const { metrics, metricThresholds, metricsDir } = config;
    const busy = metricThresholds.length > 0 || metricsDir !== "" ||
      metrics.some(({ collector }) => collector !== null);
    if (busy) this.#timer = setInterval(() => void this.#look(), SECOND_MS);
  }

  /** What another program of the master has to know. */
  get records(): readonly MetricRecord[] {
    return this.#registry.records;
  }

  /** The metrics of the stats: duwsgi's own, then the declared ones in order. */
  show(stats: Pick<Stats, "workers" | "sockets">): Readonly<Record<string, StatsMetric>> {
    const { metrics = [], metricsNoCores = false } = this.#config ?? {};
    const builtins = builtinMetrics(stats, !metricsNoCores);
    const declared = metrics.flatMap((line) => {
      const metric = this.#metric(line, builtins);
      return metric === null ? [] : [[line.name, metric] as const];
    });
    return { ...builtins, ...Object.fromEntries(declared) };
  }

  /**
   * These values were pushed to another server: metrics with `reset_after_push` go back to their initial
   * values, and what came meanwhile stays.
   */
  pushed(values: Readonly<Record<string, StatsMetric>>): void {
    for (const { name, resetAfterPush } of this.#lines.values()) {
      const { value, histogram } = values[name] ?? {};
      if (!resetAfterPush || value === undefined) continue;
      if (histogram === undefined) this.#reset(name, metricValue(value));
      else this.#resetHistogram(name, histogram);
    }
  }

  /** Writes the files for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#directory === null) return;
    await fulfilledWithin(this.#directory.writeLast(this.#texts()), LAST_WRITE_MS);
  }

  /** Metrics of other configurations than the one in use; before there is one, all are kept. */
  #forgetOthers(): void {
    if (this.#config !== null) this.#registry.keepOnly(this.#config.metrics);
  }

  #directoryFor({ metricsDir }: MetricsConfig): MetricDirectory | null {
    if (metricsDir === "") return null;
    return this.#directory?.path === metricsDir ? this.#directory : new MetricDirectory(metricsDir);
  }

  async #look(): Promise<void> {
    // Slow files hold up what is done here, and nobody else.
    if (this.#looking) return;
    this.#looking = true;
    this.#seconds++;
    const attempts = this.#attempts;
    await attempts.wait("Cannot read the files of metrics", () => this.#files.collect(this.#due()));
    const builtins = await attempts.wait(
      "Cannot read the metrics of duwsgi itself",
      () => this.#readBuiltins(),
    );
    if (builtins !== null) {
      attempts.make("Cannot collect metrics", () => this.#collect(builtins));
      attempts.make("Cannot compare metrics", () => this.#compare(builtins));
    }
    await attempts.wait(
      "Cannot write the files of metrics",
      async () => await this.#directory?.write(this.#texts()),
    );
    this.#looking = false;
  }

  /** The metrics with a file that are to be collected now. */
  #due(): FileMetric[] {
    return this.#collectors().flatMap(({ line: { name, collector } }) => {
      if (collector?.kind !== "file") return [];
      const take = (found: bigint) => this.#takeFromFile(name, found);
      return [{ name, path: collector.path, column: collector.column, take }];
    });
  }

  /** What was read so slowly that the configuration has changed may have no place any more. */
  #takeFromFile(name: string, found: bigint): void {
    const line = this.#lines.get(name);
    const cell = line?.collector?.kind === "file" ? this.#registry.cell(line) : null;
    if (line !== undefined && cell !== null) this.#store(cell, line.initial + found);
  }

  /** duwsgi's own metrics, as far as something needs them. */
  async #readBuiltins(): Promise<Builtins> {
    return this.#usesBuiltins ? builtinMetrics(await this.#stats(), true) : {};
  }

  #collect(builtins: Builtins): void {
    for (const { line: { initial, collector }, cell } of this.#collectors()) {
      if (collector === null || collector.kind === "file") continue;
      const children = collector.children.map((name) => this.#value(name, builtins) ?? 0n);
      this.#store(cell, collected(collector, initial, this.#load(cell), children));
    }
  }

  /** The metrics with a collector whose time has come. */
  #collectors(): { readonly line: MetricLine; readonly cell: number }[] {
    return [...this.#lines.values()].flatMap((line) => {
      const cell = this.#registry.cell(line);
      const due = line.collector !== null && this.#seconds % line.freq === 0;
      return due && cell !== null ? [{ line, cell }] : [];
    });
  }

  #compare(builtins: Builtins): void {
    for (const threshold of this.#config?.metricThresholds ?? []) {
      const { freq } = this.#lines.get(threshold.key) ?? { freq: 1 };
      const value = this.#value(threshold.key, builtins);
      if (value === null || this.#seconds % freq !== 0) continue;
      const reset = this.#thresholds.compare(threshold, value, this.#seconds);
      if (reset) this.#reset(threshold.key, value);
    }
  }

  #reset(name: string, value: bigint): void {
    const line = this.#lines.get(name);
    const cell = line === undefined || line.type === "alias" ? null : this.#registry.cell(line);
    if (line !== undefined && cell !== null) this.#setBack(cell, value, line.initial);
  }

  #resetHistogram(name: string, { sum, buckets }: MetricHistogram): void {
    const line = this.#lines.get(name);
    const cell = line?.type === "histogram" ? this.#registry.cell(line) : null;
    if (cell === null) return;
    for (const [i, count] of [sum, ...buckets].entries()) {
      this.#setBack(cell + i, metricValue(count), 0n);
    }
  }

  /** Takes away what a value, as it was seen, had come to: what comes meanwhile is not lost. */
  #setBack(cell: number, value: bigint, initial: bigint): void {
    const now = this.#load(cell);
    // Somebody else may have seen the same value, and set it back already.
    const gone = amountToTake(value, now, initial);
    if (gone !== 0n) Atomics.sub(this.#registry.cells, cell, gone);
  }

  #value(name: string, builtins: Builtins): bigint | null {
    const line = this.#lines.get(name);
    if (line === undefined) {
      const { value = null } = builtins[name] ?? {};
      return value === null ? null : metricValue(value);
    }
    if (line.type === "alias") return this.#value(line.alias, builtins);
    const cell = this.#registry.cell(line);
    return cell === null ? null : this.#load(cell);
  }

  #metric(line: MetricLine, builtins: Builtins): StatsMetric | null {
    const { name, type, oid, bounds } = line;
    if (type === "histogram") {
      const cell = this.#registry.cell(line);
      if (cell === null) return null;
      const histogram = readHistogram(this.#registry.cells, cell, bounds);
      const value = histogram.buckets.reduce((total, count) => total + count, 0);
      return { type: STATS_TYPES[type], oid, value, histogram };
    }
    const value = this.#value(name, builtins);
    return value === null ? null : { type: STATS_TYPES[type], oid, value: Number(value) };
  }

  #load(cell: number): bigint {
    return Atomics.load(this.#registry.cells, cell);
  }

  #store(cell: number, value: bigint): void {
    Atomics.store(this.#registry.cells, cell, BigInt.asIntN(64, value));
  }

  #texts(): MetricText[] {
    return (this.#config?.metrics ?? []).flatMap((line) => {
      const cell = this.#registry.cell(line);
      if (cell === null) return [];
      const numbers = Array.from(
        { length: cellsOf(line.bounds) },
        (_, i) => this.#load(cell + i),
      );
      return [{ name: line.name, text: `${numbers.join(" ")}\n` }];
    });
  }
}

/** What a metric has in its file, where that is what it should start with. */
function restored(
  { name, bounds, collector }: MetricLine,
  { metricsDirRestore }: MetricsConfig,
  directory: MetricDirectory | null,
): readonly bigint[] | null {
  if (!metricsDirRestore || directory === null) return null;
  // What the others find is worked out anew.
  if (collector !== null && collector.kind !== "accumulator") return null;
  return directory.restore(name, cellsOf(bounds));
}

/** True if it refers to a metric that is declared nowhere: then it is duwsgi's own. */
function usesBuiltins({ metrics, metricThresholds }: MetricsConfig): boolean {
  const declared = new Set(metrics.map(({ name }) => name));
  const named = [
    ...metricThresholds.map(({ key }) => key),
    ...metrics.map(({ alias }) => alias).filter((name) => name !== ""),
    ...metrics.flatMap(({ collector }) =>
      collector === null || collector.kind === "file" ? [] : collector.children
    ),
  ];
  return named.some((name) => !declared.has(name));
}
