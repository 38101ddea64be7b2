/**
 * Runs in the master. Takes samples of the workers. It reads no clock for what can cost a worker its
 * life: such times are counted in samples, so that the master's own pauses are nobody's.
 *
 * @module
 */

import { SAMPLE_MS, type WorkerMemory, type WorkerSample } from "../../core/policies/sample.ts";
import { isLeaving, type Worker } from "../../core/state.ts";
import type { MasterClock, ProcessRow } from "../../shared_memory/process_row.ts";

/** What the master has of a worker process. */
export interface WorkerHealth {
  readonly processRow: ProcessRow;
  /** Requests that it has begun, see `checked_counters.ts`. */
  readonly requests: number;
  /** When it last said something (monotonic ms); null: never. */
  readonly lastHeardAt: number | null;
  /** How late its last heartbeat left (ms); null: none came. */
  readonly loopLagMs: number | null;
  /** How often it was told to say something (ms). */
  readonly heartbeatMs: number;
}

/** Where samples come from. */
export interface SampleSources {
  /** Ticked by each sample. */
  readonly clock: MasterClock;
  /** The process of the worker with this number. */
  health(worker: number): WorkerHealth | undefined;
  /** The memory of a process. */
  memory(pid: number): WorkerMemory | null;
}

/** For how many samples in a row nothing was heard of a worker, since when. */
interface Silence {
  readonly lastHeardAt: number | null;
  readonly samples: number;
}

/** Takes samples, to be called once per {@linkcode SAMPLE_MS}. */
export class Sampler {
  readonly #sources: SampleSources;
  #silences: ReadonlyMap<number, Silence> = new Map();

  /** Nothing is sampled yet. */
  constructor(sources: SampleSources) {
    this.#sources = sources;
  }

  /**
   * Samples the workers that have accepted and are not leaving.
   *
   * @param at Now, in monotonic milliseconds.
   * @param withMemory Look at their memory as well.
   */
  take(workers: readonly Worker[], at: number, withMemory: boolean): WorkerSample[] {
    const now = this.#sources.clock.tick();
    const samples: WorkerSample[] = [];
    const silences = new Map<number, Silence>();
    for (const worker of workers) {
      const { id, pid, acceptedAt } = worker;
      const health = this.#sources.health(id);
      if (health === undefined || pid === null || acceptedAt === null || isLeaving(worker)) {
        continue;
      }
      const silence = nextSilence(this.#silences.get(id), health.lastHeardAt);
      silences.set(id, silence);
      samples.push({
        ...fromProcessRow(health.processRow, now),
        requests: health.requests,
        worker: id,
        slot: worker.slot,
        pid,
        ageMs: at - worker.spawnedAt,
        silentMs: silence.samples * SAMPLE_MS,
        heartbeatMs: health.heartbeatMs,
        loopLagMs: health.loopLagMs,
        memory: withMemory ? this.#sources.memory(pid) : null,
      });
    }
    this.#silences = silences;
    return samples;
  }
}

function nextSilence(before: Silence | undefined, lastHeardAt: number | null): Silence {
  const silent = before !== undefined && before.lastHeardAt === lastHeardAt;
  return { lastHeardAt, samples: silent ? before.samples + 1 : 0 };
}

function fromProcessRow(
  processRow: ProcessRow,
  now: number,
): Pick<WorkerSample, "inFlight" | "oldest" | "userHarakiriOverdue"> {
  const oldest = processRow.oldest;
  const deadline = processRow.get("userDeadline");
  return {
    inFlight: processRow.get("inFlight"),
    oldest: oldest && { ms: Math.max(0, now - oldest.since) * SAMPLE_MS, name: oldest.name },
    userHarakiriOverdue: deadline !== 0 && now >= deadline,
  };
}
