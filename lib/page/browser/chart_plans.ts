/**
 * What the charts show.
 *
 * @module
 */

import { STATUS_CLASSES, type StatusClass } from "../../stats/rates.ts";
import type { Stats } from "../../stats/stats.ts";
import { formatBytes, formatCount, formatMicros, formatRate, NO_VALUE } from "./format.ts";
import type { HistorySample } from "./history.ts";
import type { AxisKind } from "./scale.ts";

/** One line, or one band of a stack. */
export interface Series {
  readonly name: string;
  /** Name of its colour in the style sheet. */
  readonly color: string;
  /** Its value in a reading; null: it has none there. */
  readonly value: (reading: HistorySample) => number | null;
}

/** A value that is written beside a chart. */
export interface Figure {
  readonly name: string;
  /** Colour of the series it belongs to; null: to none. */
  readonly color: string | null;
  readonly text: string;
}

/** A chart. */
export interface ChartPlan {
  readonly id: string;
  readonly title: string;
  /** True if the values of all series add up. */
  readonly stacked: boolean;
  /** What its axis is like, and the value that the axis reaches in any case. */
  readonly axis: AxisKind;
  readonly reach: number;
  readonly format: (value: number) => string;
  readonly series: (stats: Stats) => readonly Series[];
  readonly figures: (reading: HistorySample, series: readonly Series[], stats: Stats) => Figure[];
}

const CLASS_COLORS: Readonly<Record<StatusClass, string>> = {
  "1xx": "teal",
  "2xx": "blue",
  "3xx": "violet",
  "4xx": "amber",
  "5xx": "red",
};

/** Colours of lines that have no meaning of their own. */
const LINE_COLORS = ["blue", "amber", "violet", "teal", "red"] as const;

/** As many sockets have a line of their own; there the further ones are one line. */
const MOST_LINES = LINE_COLORS.length;

/** As many bands of memory can be told apart; more workers share them. */
const MOST_BANDS = 16;

/** The charts, in their order. */
export const CHART_PLANS: readonly ChartPlan[] = [
  {
    id: "requests",
    title: "Requests per second",
    stacked: true,
    axis: "decimal",
    reach: 4,
    format: formatRate,
    series: () =>
      // What fails is at the bottom: there its height can be read.
      STATUS_CLASSES.toReversed().map((name) => ({
        name,
        color: CLASS_COLORS[name],
        value: ({ rates }) => rates?.responses[name] ?? null,
      })),
    figures: (reading, series) => [
      { name: "all", color: null, text: textOf(reading.rates?.requests ?? null, formatRate) },
      // Few answer with 1xx, and then it is worth its place.
      ...figuresOf(reading, series, formatRate).toReversed().filter(({ name, text }) =>
        name !== "1xx" || (text !== "0" && text !== NO_VALUE)
      ),
    ],
  },
  {
    id: "latency",
    title: "Latency",
    stacked: false,
    axis: "log",
    reach: 1000,
    format: formatMicros,
    series: () => [
      { name: "p99", color: "amber", value: ({ rates }) => rates?.p99_us ?? null },
      { name: "p50", color: "blue", value: ({ rates }) => rates?.p50_us ?? null },
    ],
    figures: (reading, series) => figuresOf(reading, series, formatMicros).toReversed(),
  },
  {
    id: "in-flight",
    title: "Requests in flight",
    stacked: false,
    axis: "decimal",
    reach: 4,
    format: formatCount,
    series: () => [{ name: "all", color: "blue", value: ({ inFlight }) => inFlight }],
    figures: (reading, series) => figuresOf(reading, series, formatCount),
  },
  {
    id: "queue",
    title: "Listen queues",
    stacked: false,
    axis: "decimal",
    reach: 4,
    format: formatCount,
    series: queueSeries,
    figures: (reading, series) => figuresOf(reading, series, formatCount),
  },
  {
    id: "lag",
    title: "Event-loop lag",
    stacked: false,
    axis: "decimal",
    reach: 3000,
    format: formatMicros,
    series: () => [
      { name: "worst worker", color: "amber", value: ({ lagMost }) => lagMost },
      { name: "median", color: "blue", value: ({ lagMedian }) => lagMedian },
    ],
    figures: (reading, series) => figuresOf(reading, series, formatMicros).toReversed(),
  },
  {
    id: "memory",
    title: "Memory by worker",
    stacked: true,
    axis: "binary",
    reach: 2 ** 24,
    format: (value) => value === 0 ? "0" : formatBytes(value),
    series: memorySeries,
    figures: memoryFigures,
  },
];

function queueSeries({ sockets }: Stats): Series[] {
  const alone = sockets.length > MOST_LINES ? MOST_LINES - 1 : sockets.length;
  const series = sockets.slice(0, alone).map(({ name }, index) => ({
    name,
    color: LINE_COLORS[index] ?? "blue",
    value: ({ queues }: HistorySample) => queues[index] ?? null,
  }));
  if (alone === sockets.length) return series;
  const value = ({ queues }: HistorySample) => Math.max(0, ...queues.slice(alone));
  const name = `longest of ${sockets.length - alone} more`;
  return [...series, { name, color: LINE_COLORS[alone] ?? "red", value }];
}

function memorySeries({ workers }: Stats): Series[] {
  const width = Math.ceil(workers.length / MOST_BANDS);
  const bands: Series[] = [];
  for (let first = 0; first < workers.length; first += width) {
    const ids = workers.slice(first, first + width).map(({ id }) => id);
    bands.push({
      name: width === 1 ? `worker ${ids[0]}` : `workers ${ids[0]} to ${ids.at(-1)}`,
      color: bands.length % 2 === 0 ? "blue" : "teal",
      value: ({ memory }) => ids.reduce((sum, id) => sum + (memory.get(id) ?? 0), 0),
    });
  }
  return bands;
}

function memoryFigures({ memory }: HistorySample): Figure[] {
  const [id, largest] = [...memory].reduce((most, one) => one[1] > most[1] ? one : most, [0, 0]);
  const total = [...memory.values()].reduce((sum, rss) => sum + rss, 0);
  return [
    { name: "all", color: null, text: formatBytes(total) },
    {
      name: id === 0 ? "largest" : `largest (worker ${id})`,
      color: null,
      text: formatBytes(largest),
    },
  ];
}

function figuresOf(
  reading: HistorySample,
  series: readonly Series[],
  format: (value: number) => string,
): Figure[] {
  return series.map(({ name, color, value }) => ({
    name,
    color,
    text: textOf(value(reading), format),
  }));
}

function textOf(value: number | null, format: (value: number) => string): string {
  return value === null ? NO_VALUE : format(value);
}
