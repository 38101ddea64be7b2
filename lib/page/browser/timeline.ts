/**
 * What happened to the instance: reloads with their outcomes, and what the page itself has seen.
 *
 * @module
 */

import { sameMaster } from "../../stats/rates.ts";
import type { Stats, StatsVerdict } from "../../stats/stats.ts";

/** How something ended, or that it was only seen. */
export type TimelineOutcome = StatsVerdict["outcome"] | "seen";

/** Something that happened. */
export interface TimelineEntry {
  /** No other has it. */
  readonly key: string;
  /** When it ended, in milliseconds since the epoch, by the browser's clock. */
  readonly at: number;
  /** How long it took, in milliseconds. */
  readonly took: number;
  readonly outcome: TimelineOutcome;
  /** What it was: `Chain reload`. */
  readonly title: string;
  /** The generation it was to bring; null: it has to do with none. */
  readonly generation: number | null;
  /** One sentence, as in the log. */
  readonly text: string;
}

/** What is shown of an outcome: it never depends on the colour alone. */
export const OUTCOMES: Readonly<
  Record<TimelineOutcome, { readonly label: string; readonly sign: string }>
> = {
  done: { label: "Done", sign: "✓" },
  "rolled-back": { label: "Rolled back", sign: "↩" },
  failed: { label: "Failed", sign: "✕" },
  cancelled: { label: "Cancelled", sign: "–" },
  seen: { label: "Noticed", sign: "•" },
};

/** What reloads are called. */
export const RELOAD_TITLES: Readonly<Record<StatsVerdict["kind"], string>> = {
  chain: "Chain reload",
  workers: "Reload of the workers",
  all: "Reload",
};

/** How many events are kept: the reloads of a document, and as many that were seen. */
const MOST = 40;

/** All that is known to have happened, the newest first. */
export class Timeline {
  #masterEvents: readonly TimelineEntry[] = [];

  /** The events, the newest first. */
  get masterEvents(): readonly TimelineEntry[] {
    return this.#masterEvents;
  }

  /**
   * Takes a document.
   *
   * @param before the document before it; null: there is none
   * @param at when it arrived, in milliseconds since the epoch, by the browser's clock
   * @returns what is new
   */
  add(before: Stats | null, stats: Stats, at: number): TimelineEntry[] {
    const ahead = clockDifference(stats, at);
    const reloads = stats.reloads.map((verdict) => reloadOf(verdict, ahead))
      .filter((reload) => !this.#masterEvents.some((one) => isSame(one, reload)));
    const explained = reloads.length > 0 || stats.reload !== null;
    const fresh = [...reloads, ...changesBetween(before, stats, at, explained)];
    this.#masterEvents = [...this.#masterEvents, ...fresh]
      .sort((a, b) => b.at - a.at).slice(0, MOST);
    return before === null ? [] : fresh;
  }
}

/** What is told of one reload at different times may differ by so much, in milliseconds. */
const SAME_MS = 5000;

/** True if both tell of one reload: clocks are read anew for every document. */
function isSame(one: TimelineEntry, other: TimelineEntry): boolean {
  return one.text === other.text && one.took === other.took && one.outcome === other.outcome &&
    one.generation === other.generation && Math.abs(one.at - other.at) < SAME_MS;
}

function reloadOf(verdict: StatsVerdict, ahead: number): TimelineEntry {
  return {
    key: `reload ${verdict.at_ms} ${verdict.generation}`,
    at: verdict.at_ms + ahead,
    took: verdict.took_ms,
    outcome: verdict.outcome,
    title: RELOAD_TITLES[verdict.kind],
    generation: verdict.generation,
    text: verdict.text,
  };
}

/** What two documents tell apart, unless a reload explains it. */
function changesBetween(
  before: Stats | null,
  after: Stats,
  at: number,
  explained: boolean,
): TimelineEntry[] {
  if (before === null) return [];
  const seen = (title: string, text: string): TimelineEntry => ({
    key: `${title} ${at}`,
    at,
    took: 0,
    outcome: "seen",
    title,
    generation: after.generation,
    text,
  });
  if (!sameMaster(before, after)) {
    const text = before.pid === after.pid
      ? `The master with pid ${after.pid} runs its program anew`
      : `Pid ${after.pid} is the master now, pid ${before.pid} was it before`;
    return [seen("New master", text)];
  }
  if (before.generation === after.generation || explained) return [];
  const text = `Workers are of generation ${after.generation} now, not ${before.generation}`;
  return [seen("New generation", text)];
}

/** Differences below this are what the document's whole seconds leave open, in milliseconds. */
const CLOCKS_AGREE_MS = 2000;

/** How far the browser's clock is ahead of the master's, in milliseconds. */
export function clockDifference(stats: Stats, at: number): number {
  const difference = at - (stats.started_on * 1000 + stats.uptime_ms);
  return Math.abs(difference) < CLOCKS_AGREE_MS ? 0 : difference;
}
