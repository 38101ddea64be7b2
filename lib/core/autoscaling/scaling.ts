/**
 * How many workers are needed, once per second: the algorithm's opinion within the limits that the
 * configuration sets, and nobody when nobody asks. Pure; `lib/master/autoscaling/scaler.ts` measures and reports.
 *
 * @module
 */

import type { WorkerSample } from "../policies/sample.ts";
import type { Algorithm } from "./algorithm.ts";
import { type AlgorithmName, ALGORITHMS } from "./algorithms.ts";
import { isAtWork, loadOf } from "./load.ts";
import { fewestWorkers, type ScalingSettings } from "./settings.ts";

/** A worker of a sample, with what was measured in addition. */
export type ScalingWorker =
  & Pick<
    WorkerSample,
    "worker" | "requests" | "inFlight" | "silentMs" | "heartbeatMs" | "loopLagMs"
  >
  & {
    /** Share of one CPU since the sample before; null: not known. */
    readonly cpu: number | null;
    /** Its memory in bytes; null: not known. */
    readonly rss: number | null;
  };

/** One second of the instance. */
export interface ScalingSample {
  /** Monotonic time, ms. */
  readonly at: number;
  /** The workers that accept. */
  readonly workers: readonly ScalingWorker[];
  /** Connections that wait in the longest queue. */
  readonly queue: number;
  /** Number of slots. */
  readonly processes: number;
  /** Number of slots that are to have a worker now. */
  readonly wanted: number;
  /** False while workers start, during a reload, when paused and while stopping: nothing is judged. */
  readonly settled: boolean;
  /** False where nobody could take the queues of slots that go. */
  readonly mayShrink: boolean;
}

/** What it remembers from one second to the next. */
export interface ScalingMemory {
  readonly algorithm: Algorithm;
  /** The name it was asked for by. */
  readonly name: AlgorithmName;
  /** Requests of each worker at the last sample. */
  readonly requests: Readonly<Record<number, number>>;
  /** Since when nobody has asked for anything; null: somebody just did. */
  readonly quietSince: number | null;
}

/** What is to be done. */
export type ScalingAction =
  | { readonly type: "stay" }
  | { readonly type: "want"; readonly workers: number; readonly why: string }
  | { readonly type: "stop"; readonly why: string };

/** A decision, what goes on from it, and what there is to say about the measurements. */
export interface ScalingDecision {
  readonly scaling: ScalingMemory;
  readonly decision: ScalingAction;
  readonly note: string | null;
}

const STAY: ScalingAction = { type: "stay" };

/** The beginning. */
export function beginScaling({ algorithm }: ScalingSettings): ScalingMemory {
  return { algorithm: ALGORITHMS[algorithm], name: algorithm, requests: {}, quietSince: null };
}

/** Judges one second. */
export function decideScaling(
  before: ScalingMemory,
  sample: ScalingSample,
  settings: ScalingSettings,
): ScalingDecision {
  const known = before.name === settings.algorithm ? before : beginScaling(settings);
  const scaling = { ...notice(known, sample), requests: requestsOf(sample) };
  const nothing = { scaling, decision: STAY, note: null };
  if (!sample.settled) return { ...nothing, scaling: { ...scaling, quietSince: null } };
  if (sample.wanted === 0) return nothing;
  const rest = whenIdle(scaling, sample, settings);
  if (rest !== null) return { ...nothing, decision: rest };
  const forced = withinLimits(sample, settings);
  if (forced !== null) return { ...nothing, decision: forced };
  if (settings.cheaper === 0) return nothing;
  return consult(scaling, before, sample, settings);
}

function requestsOf({ workers }: ScalingSample): Record<number, number> {
  const known: Record<number, number> = {};
  for (const { worker, requests } of workers) known[worker] = requests;
  return known;
}

function notice(scaling: ScalingMemory, { at, workers }: ScalingSample): ScalingMemory {
  const active = workers.some((one) => isAtWork(one, scaling.requests[one.worker] ?? 0, one.cpu));
  return { ...scaling, quietSince: active ? null : scaling.quietSince ?? at };
}

function whenIdle(
  { quietSince }: ScalingMemory,
  { at, queue, mayShrink }: ScalingSample,
  { idleMs, dieOnIdle }: ScalingSettings,
): ScalingAction | null {
  if (idleMs === 0 || quietSince === null || queue > 0 || at - quietSince <= idleMs) return null;
  const why = `no request for ${idleMs / 1000} s`;
  if (dieOnIdle) return { type: "stop", why };
  return mayShrink ? { type: "want", workers: 0, why } : null;
}

/** What must be so whatever the load is. */
function withinLimits(sample: ScalingSample, settings: ScalingSettings): ScalingAction | null {
  const { wanted, processes, mayShrink, workers } = sample;
  const least = fewestWorkers(settings, processes);
  if (wanted < least) return { type: "want", workers: least, why: "there are to be no fewer" };
  if (wanted > processes) {
    return { type: "want", workers: processes, why: "there are no more slots" };
  }
  const { rssHard } = settings;
  const rss = totalRss(workers);
  if (rssHard === 0 || rss < rssHard || wanted <= least || !mayShrink) return null;
  return { type: "want", workers: wanted - 1, why: `the workers take ${rss} bytes` };
}

function consult(
  scaling: ScalingMemory,
  before: ScalingMemory,
  sample: ScalingSample,
  settings: ScalingSettings,
): ScalingDecision {
  const { processes, wanted, workers, queue, mayShrink } = sample;
  const { rssSoft } = settings;
  const full = rssSoft > 0 && totalRss(workers) >= rssSoft;
  const least = mayShrink ? fewestWorkers(settings, processes) : wanted;
  const most = full ? wanted : processes;
  const loads = workers.map((one) =>
    loadOf(one, before.requests[one.worker] ?? 0, one.cpu, settings)
  );
  const opinion = scaling.algorithm({ workers: wanted, most, loads, queue, settings });
  const target = Math.min(Math.max(opinion.workers, least), most);
  return {
    scaling: { ...scaling, algorithm: opinion.next },
    decision: target === wanted ? STAY : { type: "want", workers: target, why: opinion.why },
    note: opinion.note ?? null,
  };
}

function totalRss(workers: readonly ScalingWorker[]): number {
  return workers.reduce((sum, { rss }) => sum + (rss ?? 0), 0);
}
