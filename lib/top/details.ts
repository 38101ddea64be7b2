/**
 * Everything about one worker slot.
 *
 * @module
 */

import { ageOf, stateOf } from "./columns.ts";
import {
  ageText,
  bar,
  bytesText,
  countText,
  microsecondsText,
  rateText,
  sparkline,
} from "./figures_text.ts";
import { LATENCY_LOOKS, type Model, type WorkerModel } from "./model.ts";
import type { SeenProcess } from "./seen_stats.ts";
import { line, padded, type ScreenLine, span } from "./text.ts";

/** A slot in lines of this width; how many there are depends on what there is to say. */
export function details(
  model: Model,
  worker: WorkerModel,
  wallMs: number,
  width: number,
): readonly ScreenLine[] {
  const { seen, figures } = worker;
  const age = ageOf({ worker, model, wallMs });
  const generation = seen.generation === null ? "" : `, generation ${seen.generation}`;
  const process = seen.pid === 0
    ? "no process"
    : `pid ${seen.pid}${generation}${age === null ? "" : `, up for ${ageText(age)}`}`;
  return [
    [span(`Worker ${seen.id}`, "bold"), span(`  ${stateOf(worker)}, ${process}`)],
    line(""),
    fact("Requests", requestsOf(worker)),
    ...figures.bytesPerSecond === null
      ? []
      : [fact("Sent", `${bytesText(seen.tx)}, ${bytesText(Math.round(figures.bytesPerSecond))}/s`)],
    fact("Exceptions", `${seen.exceptions}${perSecond(figures.exceptionsPerSecond)}`),
    ...responses(worker),
    fact("Memory", `${bytesText(seen.rss)} resident, ${bytesText(seen.vsz)} address space`),
    ...seen.lagUs === null ? [] : [fact("Event loop", `${microsecondsText(seen.lagUs)} late`)],
    fact("Starts", startsOf(worker)),
    ...seen.lastLeave === null ? [] : [fact("Last left", seen.lastLeave)],
    ...figures.history.length === 0
      ? []
      : [fact("Requests/s", sparkline(figures.history, Math.min(60, width - LABEL)).trimStart())],
    ...histogram(model, worker, width),
    ...others(seen.others),
  ];
}

const LABEL = 12;

function fact(label: string, text: string): ScreenLine {
  return [span(padded(label, LABEL), "dim"), span(text)];
}

function requestsOf({ seen, figures }: WorkerModel): string {
  const average = seen.avgRtUs === 0 ? "" : `, ${microsecondsText(seen.avgRtUs)} on average`;
  return `${seen.requests}${perSecond(figures.requestsPerSecond)}, ` +
    `${seen.inFlight} at work${average}`;
}

function perSecond(rate: number | null): string {
  return rate === null ? "" : `, ${rateText(rate)}/s`;
}

function responses({ seen }: WorkerModel): readonly ScreenLine[] {
  if (seen.responses.size === 0) return [];
  const counts = [...seen.responses].map(([status, count]) => `${status} ${countText(count)}`);
  return [fact("Responses", counts.join("  "))];
}

function startsOf({ seen }: WorkerModel): string {
  const { respawns, deaths, respawnInMs, harakiri } = seen;
  return [
    String(respawns),
    ...harakiri === 0 ? [] : [`${harakiri} ended by harakiri`],
    ...deaths === 0 ? [] : [`${deaths} deaths in a row`],
    ...respawnInMs === null ? [] : [`the next one in ${ageText(respawnInMs)}`],
  ].join(", ");
}

/** The buckets from the first to the last in which there is something. */
function histogram(
  { stats }: Model,
  { figures }: WorkerModel,
  width: number,
): readonly ScreenLine[] {
  const { buckets, looks } = figures;
  const first = buckets.findIndex((count) => count > 0);
  if (first < 0) return [];
  const last = buckets.findLastIndex((count) => count > 0);
  const most = Math.max(...buckets);
  const bars = Math.max(4, Math.min(40, width - 24));
  const rows = buckets.slice(first, last + 1).map((count, i): ScreenLine => {
    const bound = stats.latencyBoundsUs[first + i];
    const label = bound === undefined
      ? `>${microsecondsText(stats.latencyBoundsUs.at(-1) ?? null)}`
      : `≤${microsecondsText(bound)}`;
    return [
      span(padded(label, 8, true), "dim"),
      span(` ${bar(count / most, bars)} ${countText(count)}`),
    ];
  });
  const since = looks.length < 2
    ? "since the start"
    : `in the last ${Math.min(looks.length - 1, LATENCY_LOOKS)} looks`;
  return [line(""), line(`Response times ${since}`, "bold"), ...rows];
}

function others(processes: readonly SeenProcess[]): readonly ScreenLine[] {
  if (processes.length === 0) return [];
  return [
    line(""),
    line("Further processes of the slot", "bold"),
    ...processes.map(({ pid, state, generation, ageMs, inFlight, reason }) =>
      line(
        `  pid ${pid}  ${state}  generation ${generation}  ${ageText(ageMs)}  ` +
          `${inFlight} at work${reason === null ? "" : `  ${reason}`}`,
      )
    ),
  ];
}
