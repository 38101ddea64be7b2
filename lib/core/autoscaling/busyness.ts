/**
 * `cheaper-algo = busyness`: the average load of the workers should stay between two limits.
 *
 * @module
 */

import { type Algorithm, type LoadSample, type Recommendation, totalLoad } from "./algorithm.ts";

/** What it remembers. */
interface Memory {
  /** Seconds of the window that have passed. */
  readonly seconds: number;
  /** The average loads of these seconds, added up. */
  readonly sum: number;
  /** Windows in a row below the minimum. */
  readonly calm: number;
  /** Windows to wait in addition, because workers were sent away too early. */
  readonly penalty: number;
  /** Windows since a worker was sent away; null: none was, or it is settled if that was right. */
  readonly sinceShrink: number | null;
  /** Emergency workers that are still there. */
  readonly emergency: number;
  /** Seconds in a row in which connections waited. */
  readonly queued: number;
}

const START: Memory = {
  seconds: 0,
  sum: 0,
  calm: 0,
  penalty: 0,
  sinceShrink: null,
  emergency: 0,
  queued: 0,
};

/** The algorithm as it begins, or as it goes on. */
export function busyness(memory: Memory = START): Algorithm {
  return (view) => alarm(memory, view) ?? observe(memory, view);
}

/** Emergency workers do not wait for the end of a window. */
function alarm(
  memory: Memory,
  { workers, most, queue, settings }: LoadSample,
): Recommendation | null {
  const { alert, alertStep, nonzeroSeconds } = settings.busyness;
  const queued = queue === 0 ? 0 : memory.queued + 1;
  if (workers >= most || (queue <= alert && queued < nonzeroSeconds)) return null;
  const added = Math.min(queue > alert ? alertStep : 1, most - workers);
  const why = queue > alert
    ? `${queue} connections wait`
    : `connections have waited for ${queued} s`;
  const emergency = memory.emergency + added;
  return { workers: workers + added, why, next: busyness({ ...memory, queued: 0, emergency }) };
}

function observe(memory: Memory, view: LoadSample): Recommendation {
  const sum = memory.sum + totalLoad(view) / Math.max(1, view.loads.length);
  const seconds = memory.seconds + 1;
  const queued = view.queue === 0 ? 0 : memory.queued + 1;
  if (seconds < view.settings.overload) {
    const next = busyness({ ...memory, seconds, sum, queued });
    return { workers: view.workers, why: "", next };
  }
  const opinion = judge({ ...memory, seconds: 0, sum: 0, queued }, 100 * sum / seconds, view);
  if (!view.settings.busyness.verbose) return opinion;
  const note = `${view.workers} workers were ${Math.round(100 * sum / seconds)} percent busy`;
  return { ...opinion, note };
}

/** The end of a window. */
function judge(memory: Memory, percent: number, view: LoadSample): Recommendation {
  const { busyness: { max, min }, step } = view.settings;
  const waited = settle(memory, view);
  const shown = `the workers were ${Math.round(percent)} percent busy`;
  if (percent > max) {
    const next = busyness({ ...blame(waited, view), calm: 0 });
    return { workers: view.workers + step, why: shown, next };
  }
  // Who leaves would bring the others above the maximum: it stays.
  const fits = view.workers > 1 && percent * view.workers / (view.workers - 1) <= max;
  const calm = percent < min && fits ? waited.calm + 1 : 0;
  if (calm < patience(waited, view)) {
    return { workers: view.workers, why: "", next: busyness({ ...waited, calm }) };
  }
  const emergency = Math.max(0, waited.emergency - 1);
  // That an emergency worker leaves soon is no mistake that could be blamed.
  const sinceShrink = waited.emergency > 0 ? waited.sinceShrink : 0;
  const next = busyness({ ...waited, calm: 0, emergency, sinceShrink });
  return { workers: view.workers - 1, why: shown, next };
}

/** Windows below the minimum that it takes. */
function patience({ emergency, penalty }: Memory, { settings }: LoadSample): number {
  const { multiplier, alertMultiplier } = settings.busyness;
  return emergency > 0 ? alertMultiplier : multiplier + penalty;
}

/** Whoever was sent away and is not missed for long enough was rightly sent away. */
function settle(memory: Memory, { settings }: LoadSample): Memory {
  if (memory.sinceShrink === null) return memory;
  const { multiplier, penalty } = settings.busyness;
  const sinceShrink = memory.sinceShrink + 1;
  if (sinceShrink <= multiplier + memory.penalty) return { ...memory, sinceShrink };
  return { ...memory, sinceShrink: null, penalty: Math.max(0, memory.penalty - penalty) };
}

/** Who is needed again so soon should not have been sent away: the next time takes longer. */
function blame(memory: Memory, { settings }: LoadSample): Memory {
  if (memory.sinceShrink === null) return memory;
  const penalty = memory.penalty + settings.busyness.penalty;
  return { ...memory, sinceShrink: null, penalty };
}
