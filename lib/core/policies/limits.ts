/**
 * Which worker has reached a limit, and what follows. Limits are looked at once per second, so a worker
 * exceeds them by what it does in that time.
 *
 * @module
 */

import type { MasterEvent } from "../event.ts";
import type { WorkerMemory, WorkerSample } from "./sample.ts";
import type { LimitReason } from "../state.ts";
import { duration } from "../step_context.ts";
import { HEARTBEATS_PER_HANG, type Limits } from "./limit_settings.ts";

/** One large sample can be chance; so many in a row are not. */
export const MEMORY_SAMPLES = 3;

/** Which number of a worker's memory is compared with which limit. */
const MEMORY_LIMITS = {
  "reload-on-rss": { key: "reloadOnRss", size: "rss", words: "memory" },
  "reload-on-as": { key: "reloadOnAs", size: "as", words: "address space" },
  "evil-reload-on-rss": { key: "evilReloadOnRss", size: "rss", words: "memory" },
} as const;

type MemoryLimit = keyof typeof MEMORY_LIMITS;

/** For how many samples in a row a worker has been above each of its memory limits. */
export type MemoryStreak = Readonly<Record<MemoryLimit, number>>;

/** The streaks of all workers, by their number. */
export type MemoryStreaks = ReadonlyMap<number, MemoryStreak>;

/** What came of a look at the samples. */
export interface LimitCheck {
  readonly masterEvents: readonly MasterEvent[];
  /** To be passed in with the next samples. */
  readonly streaks: MemoryStreaks;
}

/** A limit that was reached: which, and a text that continues a sentence about the worker. */
interface Reached {
  readonly reason: LimitReason;
  readonly why: string;
}

/**
 * Judges samples. A worker over its limit is reported each time, for as long as it is there: to the
 * core the first time counts.
 *
 * @param before The streaks of the samples before; empty at first.
 */
export function checkLimits(
  samples: readonly WorkerSample[],
  limits: Limits,
  before: MemoryStreaks,
): LimitCheck {
  const masterEvents: MasterEvent[] = [];
  const streaks = new Map<number, MemoryStreak>();
  for (const sample of samples) {
    const streak = nextStreak(sample.memory, limits, before.get(sample.worker));
    streaks.set(sample.worker, streak);
    const masterEvent = judgeWorker(sample, limits, streak);
    if (masterEvent !== null) masterEvents.push(masterEvent);
  }
  return { masterEvents, streaks };
}

/** Of several limits the one that bears the least delay counts. */
function judgeWorker(
  sample: WorkerSample,
  limits: Limits,
  streak: MemoryStreak,
): MasterEvent | null {
  const { worker } = sample;
  const dead = hung(sample, limits) ?? tooLarge(sample, limits, streak, "evil-reload-on-rss");
  // A blocked event loop finishes nothing, and memory that runs out does not wait.
  if (dead !== null) return { type: "condemn", worker, ...dead, graceMs: 0 };
  const stuck = overdue(sample, limits);
  if (stuck !== null) {
    return { type: "condemn", worker, ...stuck, graceMs: limits.harakiriGracefulTimeoutMs };
  }
  const worn = tooOld(sample, limits) ?? wornOut(sample, limits, streak);
  return worn && { type: "recycle", worker, ...worn };
}

function hung(sample: WorkerSample, { hangTimeoutMs }: Limits): Reached | null {
  // A worker of an older configuration may have been told to speak less often.
  const limit = Math.max(hangTimeoutMs, HEARTBEATS_PER_HANG * sample.heartbeatMs);
  if (hangTimeoutMs === 0 || sample.silentMs < limit) return null;
  const why = `hangs: its event loop has not run for ${duration(sample.silentMs)} ` +
    `(hang-timeout = ${inSeconds(hangTimeoutMs)}), ${inFlightText(sample)}`;
  return { reason: "hang", why };
}

function inFlightText({ inFlight, oldest }: WorkerSample): string {
  const name = oldest === null ? "" : `, the oldest is ${oldest.name}`;
  return `requests in flight: ${inFlight}${name}`;
}

function overdue({ oldest, userHarakiriOverdue }: WorkerSample, limits: Limits): Reached | null {
  if (userHarakiriOverdue) {
    const why = "did not get on within the time it set itself with set_user_harakiri()";
    return { reason: "harakiri", why };
  }
  if (limits.harakiriMs === 0 || oldest === null || oldest.ms < limits.harakiriMs) return null;
  const why = `has been answering ${oldest.name} for ${duration(oldest.ms)} ` +
    `(harakiri = ${inSeconds(limits.harakiriMs)})`;
  return { reason: "harakiri", why };
}

function tooOld({ slot, ageMs }: WorkerSample, limits: Limits): Reached | null {
  const { maxWorkerLifetimeMs, maxWorkerLifetimeDeltaMs } = limits;
  if (maxWorkerLifetimeMs === 0) return null;
  const limit = staggered(maxWorkerLifetimeMs, maxWorkerLifetimeDeltaMs, slot);
  if (ageMs <= limit) return null;
  const why = `it is ${duration(ageMs)} old (max-worker-lifetime, here ${inSeconds(limit)})`;
  return { reason: "max-worker-lifetime", why };
}

/** What a worker must have a certain age for, lest an instance does nothing but replace workers. */
function wornOut(
  sample: WorkerSample,
  limits: Limits,
  streak: MemoryStreak,
): Reached | null {
  if (sample.ageMs < limits.minWorkerLifetimeMs) return null;
  return tooManyRequests(sample, limits) ??
    tooLarge(sample, limits, streak, "reload-on-rss") ??
    tooLarge(sample, limits, streak, "reload-on-as");
}

function tooManyRequests({ slot, requests }: WorkerSample, limits: Limits): Reached | null {
  if (limits.maxRequests === 0) return null;
  const limit = staggered(limits.maxRequests, limits.maxRequestsDelta, slot);
  if (requests < limit) return null;
  const why = `it has had ${requests} requests (max-requests, here ${limit})`;
  return { reason: "max-requests", why };
}

/** Workers that began together are not to end together. */
function staggered(limit: number, delta: number, slot: number): number {
  return limit + (slot - 1) * delta;
}

function nextStreak(
  memory: WorkerMemory | null,
  limits: Limits,
  before: MemoryStreak | undefined,
): MemoryStreak {
  const next = (reason: MemoryLimit) => {
    const { key, size } = MEMORY_LIMITS[reason];
    const over = memory !== null && limits[key] > 0 && memory[size] >= limits[key];
    return over ? (before?.[reason] ?? 0) + 1 : 0;
  };
  return {
    "reload-on-rss": next("reload-on-rss"),
    "reload-on-as": next("reload-on-as"),
    "evil-reload-on-rss": next("evil-reload-on-rss"),
  };
}

function tooLarge(
  { memory }: WorkerSample,
  limits: Limits,
  streak: MemoryStreak,
  reason: MemoryLimit,
): Reached | null {
  const { key, size, words } = MEMORY_LIMITS[reason];
  if (memory === null || streak[reason] < MEMORY_SAMPLES) return null;
  const numbers = `${inMegabytes(memory[size])} of ${words} ` +
    `(${reason} = ${limits[key] / MEGABYTE}), ${MEMORY_SAMPLES} seconds in a row`;
  const verb = reason === "evil-reload-on-rss" ? "has" : "it has";
  return { reason, why: `${verb} ${numbers}` };
}

/** Bytes of a megabyte, as uWSGI counts. */
const MEGABYTE = 1 << 20;

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}

function inSeconds(ms: number): string {
  return String(ms / 1000);
}
