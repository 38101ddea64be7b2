/**
 * The figures at the top of the page: the instance in eight tiles.
 *
 * @module
 */

import type { InstanceRates } from "../../stats/rates.ts";
import type { Stats } from "../../stats/stats.ts";
import {
  counted,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatMicros,
  formatRate,
  NO_VALUE,
} from "./format.ts";

/** One tile. */
export interface Tile {
  readonly name: string;
  readonly value: string;
  /** A line below the value. */
  readonly note: string;
  /** True if somebody should look at it. */
  readonly alarming: boolean;
}

/** The tiles, always the same ones in the same order. */
export function tilesOf(stats: Stats, rates: InstanceRates | null): Tile[] {
  return [
    requestTile(rates),
    {
      name: "Latency p50",
      value: formatMicros(rates?.p50_us ?? null),
      note: `p99 ${formatMicros(rates?.p99_us ?? null)}`,
      alarming: false,
    },
    inFlightTile(stats),
    workerTile(stats),
    queueTile(stats),
    memoryTile(stats),
    {
      name: "Generation",
      value: formatCount(stats.generation),
      note: lastReload(stats),
      alarming: false,
    },
    {
      name: "Uptime",
      value: formatDuration(stats.uptime_ms),
      note: `master ${stats.pid}`,
      alarming: false,
    },
  ];
}

function requestTile(rates: InstanceRates | null): Tile {
  const errors = rates?.responses["5xx"] ?? 0;
  return {
    name: "Requests/s",
    value: rates === null ? NO_VALUE : formatRate(rates.requests),
    note: errors > 0 ? `${formatRate(errors)}/s with 5xx` : "no errors",
    alarming: errors > 0,
  };
}

function inFlightTile(stats: Stats): Tile {
  const busy = stats.workers.filter(({ in_flight: requests }) => requests > 0).length;
  return {
    name: "In flight",
    value: formatCount(stats.in_flight),
    note: `in ${counted(busy, "worker")}`,
    alarming: false,
  };
}

function workerTile({ workers, wanted, processes, paused }: Stats): Tile {
  const accepting = workers.filter((worker) => worker.accepting === 1).length;
  const note = wanted === processes ? "accepting" : `accepting, of ${processes} slots`;
  return {
    name: "Workers",
    value: `${accepting} / ${wanted}`,
    note: paused ? "paused" : note,
    alarming: accepting < wanted,
  };
}

function queueTile(stats: Stats): Tile {
  const room = Math.max(0, ...stats.sockets.map(({ max_queue: most }) => most));
  const dropped = stats.listen_queue_errors;
  return {
    name: "Listen queue",
    value: formatCount(stats.listen_queue),
    note: dropped > 0 ? `${formatCount(dropped)} dropped` : `room for ${formatCount(room)}`,
    alarming: room > 0 && stats.listen_queue >= room,
  };
}

function memoryTile({ workers }: Stats): Tile {
  const sizes = workers.map(({ rss }) => rss);
  return {
    name: "Memory",
    value: formatBytes(sizes.reduce((sum, rss) => sum + rss, 0)),
    note: `largest ${formatBytes(Math.max(0, ...sizes))}`,
    alarming: false,
  };
}

function lastReload({ reloads, reload, uptime_ms, started_on }: Stats): string {
  if (reload !== null) return "reload is running";
  const [last] = reloads;
  if (last === undefined) return "no reload yet";
  const ago = started_on * 1000 + uptime_ms - last.at_ms;
  return `reload ${formatAge(Math.max(0, ago))} ago`;
}

/** One word for the instance as a whole. */
export function conditionOf(stats: Stats): string {
  if (stats.phase !== "running") return stats.phase;
  if (stats.reload !== null) return "reloading";
  if (stats.paused) return "paused";
  return "running";
}
