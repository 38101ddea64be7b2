/**
 * From values to positions: where the lines of a chart's grid are, and what a line looks like.
 *
 * @module
 */

/** What an axis counts in: even steps, of decimal or binary numbers, or powers of ten. */
export type AxisKind = "decimal" | "binary" | "log";

/** An axis. */
export interface Axis {
  /** Values at which it has lines, ascending. */
  readonly ticks: readonly number[];
  /** How far up a value is, from 0 to 1. */
  readonly share: (value: number) => number;
}

/**
 * An axis for these values. Even steps begin at zero and go up to `reach` at least, so that noise
 * looks like noise; powers of ten begin below the least value from 1 on, and `reach` lies between them.
 */
export function axisFor(kind: AxisKind, values: readonly number[], reach: number): Axis {
  if (kind === "log") return logAxis(values.filter((value) => value >= 1), reach);
  const ticks = ticksUpTo(Math.max(reach, ...values), kind === "binary" ? 2 : 10);
  const top = ticks.at(-1) ?? 1;
  return { ticks, share: (value) => value / top };
}

function logAxis(values: readonly number[], reach: number): Axis {
  const bottom = Math.floor(Math.log10(Math.min(reach, ...values)));
  const top = Math.max(bottom + 2, Math.ceil(Math.log10(Math.max(reach, ...values))));
  const ticks = Array.from({ length: top - bottom + 1 }, (_, index) => 10 ** (bottom + index));
  const share = (value: number) =>
    value > 0 ? Math.max(0, (Math.log10(value) - bottom) / (top - bottom)) : 0;
  return { ticks, share };
}

/** About four values from zero on; the last one is not below `most`. */
function ticksUpTo(most: number, base: 10 | 2, count = 3): number[] {
  const step = niceStep(most / count, base);
  const ticks: number[] = [];
  for (let index = 0; index * step < most + step * 0.999; index++) ticks.push(index * step);
  return ticks;
}

/** The next larger step that people count in: 1, 2 or 5 times a power of ten, or a power of two. */
function niceStep(least: number, base: 10 | 2): number {
  if (!(least > 0)) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(least));
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((one) => one * power >= least * 0.9999) ?? 10;
  return factor * power;
}

/** A place in a drawing, in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line in SVG's path language through runs of points; a run of one point is a dot. */
export function linePath(runs: readonly (readonly Point[])[]): string {
  return runs.filter((run) => run.length > 0).map((run) => {
    const [first, ...rest] = run.map(place);
    return rest.length === 0 ? `M${first}h0.01` : `M${first}L${rest.join(" ")}`;
  }).join("");
}

/** An area between runs of points and the runs below them, which have the same lengths. */
export function areaPath(
  upper: readonly (readonly Point[])[],
  lower: readonly (readonly Point[])[],
): string {
  return upper.map((run, index) => {
    const back = (lower[index] ?? []).toReversed();
    return run.length < 2 ? "" : `M${run.map(place).join("L")}L${back.map(place).join("L")}Z`;
  }).join("");
}

function place({ x, y }: Point): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
