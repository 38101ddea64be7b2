/**
 * Metrics in the memory that master and workers share: 64-bit cells, changed with atomics by whoever
 * has something to count. Which cell belongs to which name is decided by the master and handed to each
 * process when it starts, so that an operation is one look-up and one atomic access.
 *
 * @module
 */

import { nearestName } from "../nearest_name.ts";
import { METRIC_CELLS, METRICS_AT, tableOf } from "./memory_layout.ts";

/** Taken when this is loaded: a script that puts others in their place gets no hold of the memory. */
const {
  add: atomicAdd,
  compareExchange: atomicReplace,
  load: atomicLoad,
  store: atomicStore,
  sub: atomicSubtract,
} = Atomics;
const { asIntN } = BigInt;
const { isSafeInteger } = Number;
const [toNumber, toBigInt] = [Number, BigInt];

/** Where a metric is, and what may be done with it. */
export type MetricPlace =
  | {
    readonly kind: "value";
    readonly name: string;
    readonly cell: number;
    /** What it starts with, in decimal. */
    readonly initial: string;
    /** The collector that works it out, so that nobody else may change it; empty: there is none. */
    readonly collector: string;
  }
  | {
    readonly kind: "histogram";
    readonly name: string;
    /** The sum of all values; behind it there is a count for each bucket. */
    readonly cell: number;
    /** Upper bounds of the buckets, ascending; what is larger than the last one has one more. */
    readonly bounds: readonly number[];
  }
  | { readonly kind: "alias"; readonly name: string; readonly of: string };

/** A histogram, as `uwsgi.metric_histogram()` gives it. */
export interface MetricHistogram {
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[];
  /** How many values fell into each bucket: one count more than there are bounds. */
  readonly buckets: readonly number[];
  /** Sum of all values. */
  readonly sum: number;
}

/** How many cells a metric takes: one, or those of a histogram with these bounds. */
export function cellsOf(bounds: readonly number[]): number {
  return bounds.length === 0 ? 1 : bounds.length + 2;
}

/** The cells of all metrics. */
export function metricCells(memory: ArrayBufferLike): BigInt64Array {
  return new BigInt64Array(memory, METRICS_AT, METRIC_CELLS);
}

/** Reads a histogram. A bucket below 0 counts nothing: only who writes to the memory itself can make one. */
export function readHistogram(
  cells: BigInt64Array,
  cell: number,
  bounds: readonly number[],
): MetricHistogram {
  const at = (index: number) => toNumber(atomicLoad(cells, cell + index));
  const buckets: number[] = [];
  for (let i = 0; i <= bounds.length; i++) {
    const count = at(i + 1);
    buckets[i] = count > 0 ? count : 0;
  }
  return { bounds, buckets, sum: at(0) };
}

type HistogramPlace = Extract<MetricPlace, { readonly kind: "histogram" }>;

/**
 * The metrics as scripts see them. Every operation is atomic, also between processes. A script gets at no
 * other cells than those of its metrics: names are looked up in tables without a prototype.
 */
export class MetricTable {
  readonly #cells: BigInt64Array;
  readonly #names: readonly string[];
  readonly #places: Readonly<Record<string, MetricPlace>>;
  readonly #readable: Readonly<Record<string, number>>;
  readonly #writable: Readonly<Record<string, number>>;
  readonly #histograms: Readonly<Record<string, HistogramPlace>>;
  readonly #builtin: (name: string) => number | null;

  /**
   * Takes the shared memory, and what is where.
   *
   * @param builtin Reads a metric that duwsgi keeps itself; null: there is none of that name.
   * @throws {Error} Passed on by {@linkcode MetricTable.get} if a metric is there and cannot be read.
   */
  constructor(
    memory: ArrayBufferLike,
    places: readonly MetricPlace[],
    builtin: (name: string) => number | null,
  ) {
    this.#cells = metricCells(memory);
    this.#builtin = builtin;
    this.#names = places.map(({ name }) => name);
    this.#places = byName(places.map((place) => [place.name, place]));
    this.#readable = byName(places.flatMap((place) => {
      const target = place.kind === "alias" ? this.#places[place.of] : place;
      return target?.kind === "value" ? [[place.name, target.cell]] : [];
    }));
    this.#writable = byName(
      places.flatMap((place) =>
        place.kind === "value" && place.collector === "" ? [[place.name, place.cell]] : []
      ),
    );
    this.#histograms = byName(places.flatMap((place) =>
      // Scripts are given the bounds, and a longer list would have more buckets than there are cells.
      place.kind === "histogram"
        ? [[place.name, { ...place, bounds: Object.freeze([...place.bounds]) }]]
        : []
    ));
  }

  /** Gives all metrics their initial values, in memory that nobody else does it for. */
  begin(): void {
    for (const place of Object.values(this.#places)) {
      if (place.kind === "value") atomicStore(this.#cells, place.cell, BigInt(place.initial));
    }
  }

  /** The value of a metric; of a histogram, how many values it has. */
  get(name: string): number {
    const cell = this.#readable[name];
    if (cell !== undefined) return toNumber(atomicLoad(this.#cells, cell));
    if (this.#histograms[name] !== undefined) {
      return this.histogram(name).buckets.reduce((total, count) => total + count, 0);
    }
    const place = this.#places[name];
    const value = this.#builtin(place?.kind === "alias" ? place.of : name);
    if (value === null) throw this.#unknown(name);
    return value;
  }

  /** Sets a value. */
  set(name: string, value: number | bigint): true {
    atomicStore(this.#cells, this.#cell(name), int64(name, value));
    return true;
  }

  /** Adds to a value. */
  add(name: string, value: number | bigint): true {
    atomicAdd(this.#cells, this.#cell(name), int64(name, value));
    return true;
  }

  /** Subtracts from a value. */
  subtract(name: string, value: number | bigint): true {
    atomicSubtract(this.#cells, this.#cell(name), int64(name, value));
    return true;
  }

  /** Multiplies a value. */
  multiply(name: string, factor: number | bigint): true {
    const cell = this.#cell(name);
    const by = int64(name, factor);
    while (true) {
      const before = atomicLoad(this.#cells, cell);
      if (this.#replace(cell, before, asIntN(64, before * by))) return true;
    }
  }

  /** Divides a value, towards zero. */
  divide(name: string, divisor: number | bigint): true {
    const cell = this.#cell(name);
    const by = int64(name, divisor);
    if (by === 0n) throw new RangeError(`Cannot divide the metric "${name}" by 0`);
    while (true) {
      const before = atomicLoad(this.#cells, cell);
      if (this.#replace(cell, before, asIntN(64, before / by))) return true;
    }
  }

  /** Sets a value, if it is larger than the one that is there. */
  raise(name: string, value: number | bigint): true {
    const cell = this.#cell(name);
    const to = int64(name, value);
    while (true) {
      const before = atomicLoad(this.#cells, cell);
      if (before >= to || this.#replace(cell, before, to)) return true;
    }
  }

  /** Sets a value, if it is smaller than the one that is there. */
  lower(name: string, value: number | bigint): true {
    const cell = this.#cell(name);
    const to = int64(name, value);
    while (true) {
      const before = atomicLoad(this.#cells, cell);
      if (before <= to || this.#replace(cell, before, to)) return true;
    }
  }

  /** Counts a value in its bucket of a histogram. */
  observe(name: string, value: number | bigint): true {
    const { cell, bounds } = this.#histogram(name);
    const amount = int64(name, value);
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket++;
    atomicAdd(this.#cells, cell + 1 + bucket, 1n);
    atomicAdd(this.#cells, cell, amount);
    return true;
  }

  /** What a histogram has counted. */
  histogram(name: string): MetricHistogram {
    const { cell, bounds } = this.#histogram(name);
    return readHistogram(this.#cells, cell, bounds);
  }

  #replace(cell: number, before: bigint, after: bigint): boolean {
    return atomicReplace(this.#cells, cell, before, after) === before;
  }

  #cell(name: string): number {
    const cell = this.#writable[name];
    if (cell === undefined) throw this.#unchangeable(name);
    return cell;
  }

  #histogram(name: string): HistogramPlace {
    const place = this.#histograms[name];
    if (place !== undefined) return place;
    if (this.#places[name] === undefined) {
      throw this.#unknown(name, "type=histogram,bounds=10;100;1000");
    }
    throw new Error(
      `The metric "${name}" is no histogram: declare it with type=histogram,bounds=…`,
    );
  }

  #unchangeable(name: string): Error {
    const place = this.#places[name];
    const because = (why: string) => new Error(`Cannot change the metric "${name}": ${why}`);
    if (place?.kind === "alias") return because(`it is an alias, use "${place.of}"`);
    if (place?.kind === "histogram") return because("it is a histogram, use metric_observe()");
    if (place?.kind === "value") return because(`its collector (${place.collector}) does that`);
    return this.#isBuiltin(name) ? because("duwsgi keeps it itself") : this.#unknown(name);
  }

  #isBuiltin(name: string): boolean {
    try {
      return this.#builtin(name) !== null;
    } catch {
      // It is there, and cannot be read.
      return true;
    }
  }

  #unknown(name: string, more = ""): Error {
    const nearest = nearestName(name, this.#names);
    const meant = nearest === null ? "" : `did you mean "${nearest}"? If not, `;
    const line = more === "" ? name : `name=${name},${more}`;
    return new Error(`There is no metric "${name}": ${meant}declare it with metric = ${line}`);
  }
}

function byName<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  return tableOf(Object.fromEntries(entries));
}

function int64(name: string, value: number | bigint): bigint {
  if (typeof value === "number") {
    if (isSafeInteger(value)) return toBigInt(value);
  } else if (asIntN(64, value) === value) {
    return value;
  }
  throw new RangeError(
    `Cannot use ${value} for the metric "${name}": it must be a whole number, a safe integer or a ` +
      "bigint of at most 64 bits",
  );
}
