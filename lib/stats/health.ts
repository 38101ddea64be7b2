/**
 * What orchestrators ask about an instance: is it alive, and should it get traffic. Pure.
 *
 * @module
 */

import type { Stats, StatsWorker } from "./stats.ts";

/** From so many deaths in a row on, a slot is in a crash loop: by then a restart was tried twice. */
export const CRASH_LOOP_DEATHS = 3;

/**
 * Why the instance should be restarted, in one line; null: it should not. It should when it has been
 * ready and nothing is left of it: no worker accepts, and every wanted slot is in a crash loop.
 */
export function whyNotHealthy(stats: Stats): string | null {
  const wanted = wantedWorkers(stats);
  const [first] = wanted;
  if (first === undefined || stats.phase !== "running" || !stats.ready || stats.paused) return null;
  if (stats.workers.some(accepts)) return null;
  if (!wanted.every((worker) => worker.deaths >= CRASH_LOOP_DEATHS)) return null;
  const reason = first.last_leave === null ? "" : `, ${first.last_leave}`;
  return `no worker is left: worker ${first.id} died ${first.deaths} times in a row${reason}`;
}

/**
 * Why the instance should get no traffic, in one line; null: it should. A slot without a worker is
 * served by its siblings, and one whose worker is about to come has a queue; so what counts are the
 * slots that are down, because their worker died or failed to start and no other accepts yet, or
 * because it has said that it does not accept. With more than half of the wanted ones down the instance
 * is not ready. One that sleeps (`cheap`, `idle`) is: a connection wakes it.
 */
export function whyNotReady(stats: Stats): string | null {
  if (stats.phase === "stopping" || stats.phase === "killing") return "stopping";
  const wanted = wantedWorkers(stats);
  if (stats.phase === "starting" || !stats.ready) {
    const accepting = wanted.filter(accepts).length;
    return `starting: ${accepting} of ${wanted.length} workers accept`;
  }
  if (stats.paused) return "paused";
  const down = wanted.filter((worker) =>
    !accepts(worker) && (worker.deaths > 0 || worker.state === "paused")
  );
  if (2 * down.length <= wanted.length) return null;
  return `${down.length} of ${wanted.length} workers are down`;
}

/** The slots that are to have a worker: always the first ones. */
function wantedWorkers({ workers, wanted }: Stats): readonly StatsWorker[] {
  return workers.filter(({ id }) => id <= wanted);
}

function accepts(worker: StatsWorker): boolean {
  return worker.accepting === 1;
}
