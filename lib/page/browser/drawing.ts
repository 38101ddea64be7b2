/**
 * What is drawn of a chart, as numbers and paths: everything but the elements.
 *
 * @module
 */

import type { ChartPlan, Series } from "./chart_plans.ts";
import { type HistorySample, runsSince } from "./history.ts";
import { areaPath, axisFor, linePath, type Point } from "./scale.ts";

/** The room around a plot, in pixels. */
export const MARGIN = { left: 52, right: 10, top: 8, bottom: 20 } as const;

/** The part of time and the pixels that a chart shows. */
export interface Frame {
  /** Size of the drawing, in pixels. */
  readonly width: number;
  readonly height: number;
  /** What the left and the right edge stand for, in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** One series as it is drawn. */
export interface DrawnSeries {
  readonly color: string;
  /** The line, in SVG's path language. */
  readonly line: string;
  /** What is filled below it. */
  readonly area: string;
}

/** A chart as it is drawn. */
export interface Drawing {
  /** The lines of the grid: where they are, and what they stand for. */
  readonly ticks: readonly { readonly y: number; readonly label: string }[];
  readonly series: readonly DrawnSeries[];
  /** The largest value that is shown. */
  readonly most: number;
}

/** Where a time is, in pixels from the left. */
export function xOf({ width, from, to }: Frame, at: number): number {
  return MARGIN.left + (width - MARGIN.left - MARGIN.right) * (at - from) / (to - from);
}

/** The time at a place, in milliseconds since the epoch; the opposite of {@linkcode xOf}. */
export function timeAt({ width, from, to }: Frame, x: number): number {
  return from + (to - from) * (x - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
}

/** Draws the readings of a frame. */
export function draw(
  plan: ChartPlan,
  series: readonly Series[],
  readings: readonly HistorySample[],
  frame: Frame,
): Drawing {
  const runs = runsSince(readings, frame.from);
  const stacks = plan.stacked ? stack(series, runs) : series.map((one) => levels(one, runs));
  const values = stacks.flat(2).map(({ value }) => value);
  const axis = axisFor(plan.axis, values, plan.reach);
  const bottom = frame.height - MARGIN.bottom;
  const yOf = (value: number) => bottom - (bottom - MARGIN.top) * axis.share(value);
  const x = ({ at }: Level) => Math.max(MARGIN.left, xOf(frame, at));
  const points = (level: Level): Point => ({ x: x(level), y: yOf(level.value) });
  const floor = (level: Level): Point => ({ x: x(level), y: yOf(level.below) });
  return {
    most: Math.max(0, ...values),
    ticks: axis.ticks.map((value) => ({
      y: yOf(value),
      label: value === 0 ? "0" : plan.format(value),
    })),
    series: series.map(({ color }, index) => {
      const upper = (stacks[index] ?? []).map((run) => run.map(points));
      const lower = (stacks[index] ?? []).map((run) => run.map(floor));
      return { color, line: linePath(upper), area: areaPath(upper, lower) };
    }),
  };
}

/** A value at a time, and the value that its band begins at. */
interface Level {
  readonly at: number;
  readonly value: number;
  readonly below: number;
}

/** The values of a line, in runs without a reading that has none. */
function levels({ value }: Series, runs: readonly (readonly HistorySample[])[]): Level[][] {
  const found: Level[][] = [];
  for (const run of runs) {
    found.push([]);
    for (const reading of run) {
      const here = value(reading);
      if (here === null) found.push([]);
      else found.at(-1)?.push({ at: reading.at, value: here, below: 0 });
    }
  }
  return found.filter((run) => run.length > 0);
}

/** The values of bands, each upon those before it. */
function stack(
  series: readonly Series[],
  runs: readonly (readonly HistorySample[])[],
): Level[][][] {
  const heights = new Map<number, number>();
  return series.map((one) =>
    levels(one, runs).map((run) =>
      run.map(({ at, value }) => {
        const below = heights.get(at) ?? 0;
        heights.set(at, below + value);
        return { at, value: below + value, below };
      })
    )
  );
}

/** The reading that is nearest to a time; null: there is none. */
export function nearestReading(
  readings: readonly HistorySample[],
  at: number,
): HistorySample | null {
  let nearest: HistorySample | null = null;
  for (const reading of readings) {
    if (nearest === null || Math.abs(reading.at - at) < Math.abs(nearest.at - at)) {
      nearest = reading;
    }
  }
  return nearest;
}
