/**
 * Runs in the worker. duwsgi's own metrics, as far as the scoreboard has them: the rest is known to the
 * master only.
 *
 * @module
 */

import { tableOf } from "../../shared_memory/memory_layout.ts";
import type { Scoreboard } from "../../shared_memory/scoreboard.ts";

/** Reads a number of a slot. */
type Read = (scoreboard: Scoreboard, slot: number) => number;

const zero: Read = () => 0;
const requests: Read = (scoreboard, slot) => scoreboard.get(slot, "requests");
const exceptions: Read = (scoreboard, slot) => scoreboard.get(slot, "exceptions");
const averageTime: Read = (scoreboard, slot) => scoreboard.get(slot, "averageTime");
const runningTime: Read = (scoreboard, slot) => scoreboard.get(slot, "runningTime");
const sent: Read = (scoreboard, slot) => scoreboard.get(slot, "sent");

/** What is known of each worker, by the last part of the name. */
const OF_WORKER: Readonly<Record<string, Read>> = tableOf({
  requests,
  delta_requests: (scoreboard, slot) =>
    requests(scoreboard, slot) - scoreboard.get(slot, "requestsAtSpawn"),
  failed_requests: exceptions,
  // The first one counts as well, as in the stats.
  respawns: (scoreboard, slot) =>
    scoreboard.get(slot, "lastSpawn") === 0 ? 0 : scoreboard.get(slot, "respawns") + 1,
  avg_response_time: averageTime,
  total_tx: sent,
  running_time: runningTime,
  "core.0.requests": requests,
  "core.0.exceptions": exceptions,
  "core.0.write_errors": zero,
  "core.0.read_errors": zero,
  "core.0.routed_requests": zero,
  "core.0.static_requests": zero,
  "core.0.offloaded_requests": zero,
});

/** What is known of the instance. */
const OF_INSTANCE: Readonly<Record<string, (scoreboard: Scoreboard) => number>> = tableOf({
  "core.routed_signals": () => 0,
  "core.unrouted_signals": () => 0,
  "core.overloaded": () => 0,
  "core.total_tx": (scoreboard) => sum(scoreboard, sent),
  "core.total_running_time": (scoreboard) => sum(scoreboard, runningTime),
  "core.avg_response_time": mean,
});

/** Names that only the master can give a value. */
const OF_MASTER =
  /^(core\.(busy_workers|idle_workers|total_rss|total_vsz)|(rss|vsz)_size|worker\.\d+\.(rss|vsz)_size|socket\.\d+\.listen_queue)$/;

/**
 * The value of one of duwsgi's own metrics; null: there is none of that name.
 *
 * @throws {Error} If only the master knows it, or there is no such worker.
 */
export function builtinMetric(scoreboard: Scoreboard, name: string): number | null {
  const ofInstance = OF_INSTANCE[name];
  if (ofInstance !== undefined) return ofInstance(scoreboard);
  const [, number = "0", what = ""] = /^worker\.(\d+)\.(.+)$/.exec(name) ?? [];
  const slot = Number(number);
  const read = OF_WORKER[what];
  const ofMaster = OF_MASTER.test(name);
  if (read === undefined && !ofMaster) return null;
  if (slot > scoreboard.slots) {
    throw new Error(
      `There is no metric "${name}", because there are only ${scoreboard.slots} workers`,
    );
  }
  if (read !== undefined) return slot > 0 ? read(scoreboard, slot) : ofAll(scoreboard, read);
  throw new Error(
    `Only the master knows the metric "${name}": have it copied with ` +
      `metric = name=copy,collector=sum,children=${name}`,
  );
}

/** What worker 0 stands for. */
function ofAll(scoreboard: Scoreboard, read: Read): number {
  return read === averageTime ? mean(scoreboard) : sum(scoreboard, read);
}

/** Of the workers that have answered something: the others say nothing about it. */
function mean(scoreboard: Scoreboard): number {
  const asked = sum(scoreboard, (board, slot) => requests(board, slot) > 0 ? 1 : 0);
  return asked === 0 ? 0 : Math.round(sum(scoreboard, averageTime) / asked);
}

function sum(scoreboard: Scoreboard, read: Read): number {
  let total = 0;
  for (let slot = 1; slot <= scoreboard.slots; slot++) total += read(scoreboard, slot);
  return total;
}
