/**
 * What is said of the instance as a whole: a few lines above the table.
 *
 * @module
 */

import {
  ageText,
  bar,
  bytesText,
  countText,
  microsecondsText,
  rateText,
  sparkline,
} from "./figures_text.ts";
import { errorsOf, type Model } from "./model.ts";
import type { SeenReload, SeenSocket } from "./seen_stats.ts";
import { line, lineWidth, type ScreenLine, type Span, span, type Style } from "./text.ts";

/** Name, process, phase and script. */
export function instanceLine({ stats }: Model): ScreenLine {
  const { version, pid, phase, paused, uptimeMs, script, cwd } = stats;
  const name = phase === null ? "uWSGI" : "duwsgi";
  const state = paused ? "paused" : phase;
  const since = uptimeMs === null ? "" : ` for ${ageText(uptimeMs)}`;
  const style: Style = state === "running" ? "good" : "warn";
  return [
    span(`${name} ${version}`, "bold"),
    span(`  pid ${pid}`),
    ...state === null ? [] : [span("  "), span(state, style), span(since)],
    span(`  ${script === null ? cwd : absolute(script, cwd)}`),
  ];
}

function absolute(script: string, cwd: string): string {
  return script.startsWith("/") || cwd === "" ? script : `${cwd.replace(/\/$/, "")}/${script}`;
}

/** How many workers accept, and what they have to do. */
export function workersLine({ stats, total }: Model, width: number): ScreenLine {
  const { workers, wanted, generation } = stats;
  const accepting = workers.filter((worker) => worker.accepting).length;
  const target = wanted ?? workers.length;
  const spans = [
    span("Workers "),
    span(`${accepting} of ${target}`, accepting < target ? "warn" : "good"),
    span(" accept"),
    ...generation === null ? [] : [span(`, generation ${generation}`)],
    span(`, ${sum(workers, (worker) => worker.inFlight)} at work`),
  ];
  const rest = width - lineWidth(spans) - 4;
  const graph = Number.isFinite(rest) ? sparkline(total.history, Math.min(rest, 60)) : "";
  return graph.trim() === "" ? spans : [...spans, span("  "), span(graph.trimStart(), "dim")];
}

/** Requests, response times, errors, memory. */
export function trafficLine({ stats, total }: Model): ScreenLine {
  const { workers, latencyBoundsUs } = stats;
  const longest = latencyBoundsUs.at(-1);
  const errors = sum(workers, errorsOf);
  const harakiri = sum(workers, (worker) => worker.harakiri);
  const latency = total.p99Us === null ? [] : [
    span(`, p50 ${microsecondsText(total.p50Us, longest)}`),
    span(`, p99 ${microsecondsText(total.p99Us, longest)}`),
  ];
  return [
    span(`${rateText(total.requestsPerSecond)} req/s`, "bold"),
    ...latency,
    span(`, ${countText(sum(workers, (worker) => worker.requests))} in all, `),
    span(`${countText(errors)} errors`, rising(total.errorsPerSecond)),
    ...harakiri === 0 ? [] : [span(`, ${countText(harakiri)} harakiri`)],
    span(`, ${bytesText(Math.round(total.bytesPerSecond ?? 0))}/s`),
    span(`, ${bytesText(sum(workers, (worker) => worker.rss))} memory`),
    ...stats.logLinesLost === 0
      ? []
      : [span(`, ${countText(stats.logLinesLost)} log lines lost`, "bad")],
  ];
}

function rising(perSecond: number | null): Style {
  return (perSecond ?? 0) > 0 ? "bad" : "plain";
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}

/** How a verdict looks. */
const OUTCOME_STYLES: Readonly<Record<string, Style>> = { done: "good", cancelled: "warn" };

/** The reload that runs, or else how the last one ended; null: there was none. */
export function reloadLine({ stats }: Model, wallMs: number): ScreenLine | null {
  const { reload, queued, reloads: [last] } = stats;
  if (reload !== null) {
    const follows = queued === null ? [] : [span(`, ${queued} reload follows`)];
    return [...progress(reload), ...follows];
  }
  if (last === undefined) return null;
  const ago = last.atMs === 0 ? "" : ` ${ageText(Math.max(0, wallMs - last.atMs))} ago`;
  return [
    span(`Last reload${ago}: `),
    span(last.text, OUTCOME_STYLES[last.outcome] ?? "bad"),
  ];
}

const PROGRESS_WIDTH = 12;

function progress({ kind, generation, pending, starting, done, runningMs }: SeenReload): Span[] {
  const all = pending.length + starting.length + done.length;
  const waits = starting.length === 0 ? "" : `, starting ${starting.slice(0, 4).join(", ")}`;
  return [
    span(`Reload (${kind}) to generation ${generation}`, "warn"),
    span(" "),
    span(`[${bar(all === 0 ? 0 : done.length / all, PROGRESS_WIDTH)}]`),
    span(` ${done.length} of ${all}, ${ageText(runningMs)}${waits}`),
  ];
}

/** The sockets in at most so many lines, those with the longest queues first where not all fit. */
export function socketSummary({ stats }: Model, most: number): readonly ScreenLine[] {
  const { sockets } = stats;
  if (sockets.length <= most) return sockets.map(socketLine);
  if (most <= 0) return [];
  const shown = [...sockets].sort((a, b) => b.queue - a.queue).slice(0, Math.max(0, most - 1));
  const more = `and ${sockets.length - shown.length} sockets` +
    (shown.length === 0 ? `, longest queue ${stats.listenQueue}` : "");
  return [...shown.map(socketLine), line(shown.length === 0 ? more.slice(4) : more, "dim")];
}

function socketLine({ name, proto, queue, maxQueue }: SeenSocket): ScreenLine {
  const share = maxQueue === 0 ? 0 : queue / maxQueue;
  const style: Style = share >= 0.8 ? "bad" : queue > 0 ? "warn" : "plain";
  return [
    span("Socket ", "dim"),
    span(name),
    span(proto === "" ? "" : ` (${proto})`, "dim"),
    span("  queue "),
    span(maxQueue === 0 ? String(queue) : `${queue} of ${maxQueue}`, style),
  ];
}
