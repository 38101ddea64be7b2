/**
 * One chart: a drawing, the values at the time that is pointed at, and the same in words.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import type { Stats } from "../../stats/stats.ts";
import type { ChartPlan, Figure } from "./chart_plans.ts";
import { draw, type Drawing, type Frame, MARGIN, nearestReading, timeAt, xOf } from "./drawing.ts";
import { make, makeSvg, setText } from "./element.ts";
import { formatDuration } from "./format.ts";
import type { HistorySample } from "./history.ts";
import type { TimelineEntry } from "./timeline.ts";

/** What all charts show at one time. */
export interface Scene {
  readonly stats: Stats;
  readonly readings: readonly HistorySample[];
  readonly masterEvents: readonly TimelineEntry[];
  readonly from: number;
  readonly to: number;
  /** The time that is pointed at in any of the charts; null: in none. */
  readonly cursor: number | null;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** A time of the day. */
export function formatClock(at: number): string {
  return CLOCK.format(at);
}

/** A chart on the page. */
export class Chart {
  /** To be put into the page. */
  readonly element: HTMLElement;
  readonly #plan: ChartPlan;
  readonly #figures = make("ul", { class: "figures" });
  readonly #svg = makeSvg("svg", { attributes: { "aria-hidden": "true" } });
  readonly #plot: HTMLElement;
  readonly #spoken = make("p", { class: "unseen", attributes: { "aria-live": "polite" } });
  readonly #point: (at: number | null) => void;
  #scene: Scene | null = null;
  #size = { width: 0, height: 0 };

  /** @param point is called with the time that is pointed at; null: with none any more */
  constructor(plan: ChartPlan, point: (at: number | null) => void) {
    this.#plan = plan;
    this.#point = point;
    this.#plot = make("div", {
      class: "plot",
      attributes: { tabindex: "0", role: "img", "aria-roledescription": "chart" },
    }, this.#svg);
    const title = make("h3", { text: plan.title });
    const head = make("div", { class: "chart-head" }, title, this.#figures);
    const attributes = { id: `chart-${plan.id}` };
    this.element = make(
      "section",
      { class: "panel chart", attributes },
      head,
      this.#plot,
      this.#spoken,
    );
    this.#listen();
  }

  #listen(): void {
    new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {};
      this.#size = { width, height };
      this.#draw();
    }).observe(this.#plot);
    this.#plot.addEventListener("pointermove", (event) => this.#pointAt(event.clientX));
    this.#plot.addEventListener("pointerdown", (event) => this.#pointAt(event.clientX));
    this.#plot.addEventListener("pointerleave", () => this.#point(null));
    this.#plot.addEventListener("blur", () => this.#point(null));
    this.#plot.addEventListener("keydown", (event) => {
      if (this.#step(event.key)) event.preventDefault();
    });
  }

  #pointAt(clientX: number): void {
    const x = clientX - this.#plot.getBoundingClientRect().left;
    const frame = this.#frame();
    if (frame !== null) this.#point(timeAt(frame, x));
  }

  /** Moves what is pointed at by one reading; false: the key means nothing here. */
  #step(key: string): boolean {
    const scene = this.#scene;
    const { readings = [] } = scene ?? {};
    const shown = readings.filter(({ at }) => at >= (scene?.from ?? 0));
    const now = nearestReading(shown, scene?.cursor ?? scene?.to ?? 0);
    const place = now === null ? shown.length - 1 : shown.indexOf(now);
    const next: Readonly<Record<string, number | null>> = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      Home: 0,
      End: shown.length - 1,
      Escape: null,
    };
    const to = next[key];
    if (to === undefined) return false;
    const reading = to === null ? null : shown[Math.min(Math.max(to, 0), shown.length - 1)];
    this.#point(reading?.at ?? null);
    if (reading) this.#spoken.textContent = `${formatClock(reading.at)}: ${this.#said(reading)}`;
    return true;
  }

  /** Shows a scene. */
  show(scene: Scene): void {
    this.#scene = scene;
    this.#draw();
  }

  #frame(): Frame | null {
    const scene = this.#scene;
    return scene === null ? null : { ...this.#size, from: scene.from, to: scene.to };
  }

  #draw(): void {
    const scene = this.#scene;
    const frame = this.#frame();
    if (scene === null || frame === null || frame.width < 80) return;
    const drawing = draw(this.#plan, this.#plan.series(scene.stats), scene.readings, frame);
    this.#svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const cursor = scene.cursor === null ? null : nearestReading(scene.readings, scene.cursor);
    this.#svg.replaceChildren(
      ...grid(drawing, frame),
      ...curves(drawing, this.#plan.stacked),
      ...marks(scene, frame),
      ...cursor === null ? [] : crosshair(cursor, frame),
    );
    const shown = cursor ?? scene.readings.at(-1);
    if (shown === undefined) return;
    this.#showFigures(this.#figuresAt(shown));
    const span = formatDuration(scene.to - scene.from);
    const summary = `${this.#plan.title}, last ${span}. Now ${this.#said(shown)}; ` +
      `at most ${this.#plan.format(drawing.most)}. Arrow keys read single values.`;
    this.#plot.setAttribute("aria-label", summary);
  }

  #figuresAt(reading: HistorySample): Figure[] {
    const stats = this.#scene?.stats;
    if (stats === undefined) return [];
    return this.#plan.figures(reading, this.#plan.series(stats), stats);
  }

  #said(reading: HistorySample): string {
    return this.#figuresAt(reading).map(({ name, text }) => `${name} ${text}`).join(", ");
  }

  #showFigures(figures: readonly Figure[]): void {
    const items = [...this.#figures.children];
    if (items.length !== figures.length) {
      this.#figures.replaceChildren(
        ...figures.map(() => make("li", {}, make("i"), make("span", { class: "name" }), make("b"))),
      );
    }
    for (const [index, item] of [...this.#figures.children].entries()) {
      const { name = "", color = null, text = "" } = figures[index] ?? {};
      const [swatch, label, value] = item.children;
      swatch?.setAttribute("class", color === null ? "none" : `swatch ${color}`);
      if (label) setText(label, name);
      if (value) setText(value, text);
    }
  }
}

function grid({ ticks }: Drawing, frame: Frame): SVGElement[] {
  const right = frame.width - MARGIN.right;
  const lines = ticks.flatMap(({ y, label }) => [
    makeSvg("line", {
      class: "grid",
      attributes: position({ x1: MARGIN.left, x2: right, y1: y, y2: y }),
    }),
    makeSvg("text", {
      class: "label",
      text: label,
      attributes: { ...position({ x: MARGIN.left - 8, y: y + 4 }), "text-anchor": "end" },
    }),
  ]);
  const parts = frame.width < 300 ? 1 : 3;
  const times = Array.from({ length: parts + 1 }, (_, index) => {
    const ago = (frame.to - frame.from) * (1 - index / parts);
    return makeSvg("text", {
      class: "label",
      text: ago === 0 ? "now" : `−${formatDuration(ago)}`,
      attributes: {
        ...position({ x: xOf(frame, frame.to - ago), y: frame.height - 5 }),
        "text-anchor": index === 0 ? "start" : index === parts ? "end" : "middle",
      },
    });
  });
  return [...lines, ...times];
}

function curves({ series }: Drawing, stacked: boolean): SVGElement[] {
  const areas = series.map(({ area, color }) =>
    makeSvg("path", {
      class: `${stacked ? "band" : "area"} ${color}`,
      attributes: { d: area },
    })
  );
  // The line of a thin band would hide the bands below it.
  if (stacked) return areas;
  const lines = series.map(({ line, color }) =>
    makeSvg("path", { class: `line ${color}`, attributes: { d: line } })
  );
  return [...areas, ...lines];
}

/** A line through all charts where something happened. */
function marks({ masterEvents, from }: Scene, frame: Frame): SVGElement[] {
  return masterEvents.filter(({ at }) => at >= from).map(({ at, outcome }) => {
    const x = xOf(frame, at);
    const ends = { x1: x, x2: x, y1: MARGIN.top, y2: frame.height - MARGIN.bottom };
    return makeSvg("line", { class: `mark ${outcome}`, attributes: position(ends) });
  });
}

function crosshair({ at }: HistorySample, frame: Frame): SVGElement[] {
  const x = xOf(frame, at);
  if (x < MARGIN.left) return [];
  const ends = { x1: x, x2: x, y1: MARGIN.top, y2: frame.height - MARGIN.bottom };
  const anchor = x > frame.width - 80 ? "end" : "start";
  const text = position({ x: anchor === "end" ? x - 5 : x + 5, y: MARGIN.top + 10 });
  return [
    makeSvg("line", { class: "crosshair", attributes: position(ends) }),
    makeSvg("text", {
      class: "label time",
      text: formatClock(at),
      attributes: { ...text, "text-anchor": anchor },
    }),
  ];
}

function position(values: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value.toFixed(1)]),
  );
}
