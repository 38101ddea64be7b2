/**
 * The reloads: the one that is running, where the others are in time, and what came of them.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import type { Stats, StatsReload } from "../../stats/stats.ts";
import { formatClock } from "./chart.ts";
import { byId, make, setText } from "./element.ts";
import { formatDuration } from "./format.ts";
import { OUTCOMES, RELOAD_TITLES, type TimelineEntry } from "./timeline.ts";

/** Shows what happened; the strip shows the time from `from` to `to`. */
export function showReloads(
  stats: Stats,
  masterEvents: readonly TimelineEntry[],
  from: number,
  to: number,
): void {
  showRunning(stats.reload, stats.queued);
  showStrip(masterEvents.filter(({ at }) => at >= from && at <= to), from, to);
  showList(masterEvents);
  byId("no-reloads").hidden = masterEvents.length > 0 || stats.reload !== null;
}

function showRunning(reload: StatsReload | null, queued: string | null): void {
  const place = byId("running-reload");
  place.hidden = reload === null;
  if (reload === null) return;
  const { done, starting, pending } = reload;
  const slots = [
    ...done.map((slot) => ({ slot, what: "done" })),
    ...starting.map((slot) => ({ slot, what: "starting" })),
    ...pending.map((slot) => ({ slot, what: "pending" })),
  ].sort((a, b) => a.slot - b.slot);
  const text = `${RELOAD_TITLES[reload.kind]} to generation ${reload.generation}: ` +
    `${done.length} of ${slots.length} slots after ${formatDuration(reload.running_ms)}` +
    (queued === null ? "" : `. Another one (${queued}) follows`);
  const cells = slots.map(({ slot, what }) =>
    make("i", { class: what, attributes: { title: `Slot ${slot}: ${what}` } })
  );
  const bar = make("div", { class: "cells", attributes: { "aria-hidden": "true" } }, ...cells);
  place.replaceChildren(make("p", { text }), bar);
}

/** Elements by the key of what they stand for: focus stays where it is while time goes on. */
const marksByKey = new Map<string, HTMLElement>();

function showStrip(masterEvents: readonly TimelineEntry[], from: number, to: number): void {
  const strip = byId("strip");
  const shown = new Set(masterEvents.map(({ key }) => key));
  for (const [key, mark] of marksByKey) {
    if (shown.has(key)) continue;
    mark.remove();
    marksByKey.delete(key);
  }
  const percent = (ms: number) => `${(100 * ms / (to - from)).toFixed(2)}%`;
  for (const masterEvent of masterEvents) {
    const mark = marksByKey.get(masterEvent.key) ?? makeMark(masterEvent);
    marksByKey.set(masterEvent.key, mark);
    if (mark.parentElement === null) strip.append(mark);
    const start = Math.max(from, masterEvent.at - masterEvent.took);
    mark.style.left = percent(start - from);
    mark.style.width = percent(masterEvent.at - start);
    // A text at the right edge goes to the left, so that it stays on the page.
    mark.classList.toggle("late", masterEvent.at - from > (to - from) / 2);
  }
  setText(byId("strip-start"), `−${formatDuration(to - from)}`);
}

function makeMark(masterEvent: TimelineEntry): HTMLElement {
  const { label, sign } = OUTCOMES[masterEvent.outcome];
  const told = `${masterEvent.title}, ${label.toLowerCase()}, ${formatClock(masterEvent.at)}`;
  const tip = make(
    "span",
    { class: "tip" },
    make("b", { text: told }),
    make("span", { text: masterEvent.text }),
  );
  return make(
    "button",
    {
      class: `happening ${masterEvent.outcome}`,
      attributes: { type: "button", "aria-label": `${told}. ${masterEvent.text}` },
    },
    make("span", { class: "sign", text: sign, attributes: { "aria-hidden": "true" } }),
    tip,
  );
}

let listed = "";

function showList(masterEvents: readonly TimelineEntry[]): void {
  const keys = masterEvents.map(({ key }) => key).join("\n");
  if (keys === listed) return;
  listed = keys;
  byId("reloads").replaceChildren(...masterEvents.map(makeEntry));
}

function makeEntry({ at, took, outcome, title, generation, text }: TimelineEntry): HTMLElement {
  const { label, sign } = OUTCOMES[outcome];
  const details = [
    ...generation === null ? [] : [`generation ${generation}`],
    ...took > 0 ? [formatDuration(took)] : [],
  ];
  return make(
    "li",
    {},
    make("time", { text: formatClock(at), attributes: { datetime: new Date(at).toISOString() } }),
    make("span", { class: `badge ${outcome}`, text: `${sign} ${label}` }),
    make(
      "div",
      {},
      make("p", {}, make("b", { text: title }), make("span", { text: ` ${details.join(", ")}` })),
      make("p", { class: "told", text }),
    ),
  );
}
