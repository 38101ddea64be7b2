/**
 * What is known of a worker at one moment: taken once per second by the master's sampler, where an
 * option asks for it, and judged by pure policies.
 *
 * Time in which the master itself did not run (stopped, or the machine suspended) does not count in
 * any of the durations that can cost a worker its life, nor does a jump of the clock.
 *
 * @module
 */

/** How often samples are taken (1 s). */
export const SAMPLE_MS = 1_000;

/** One worker that has accepted and was not told to leave. */
export interface WorkerSample {
  /** The worker's number, as in events. */
  readonly worker: number;
  /** Number of its slot, from 1. */
  readonly slot: number;
  /** Its process id. */
  readonly pid: number;
  /** Milliseconds since it was started. */
  readonly ageMs: number;
  /** Requests it has begun; those of servers the script made without the module are not known. */
  readonly requests: number;
  /** Requests whose handlers are at work now. */
  readonly inFlight: number;
  /** The request that is at work for the longest time; null: none, or `harakiri` is off. */
  readonly oldest: OldestRequest | null;
  /** True if the time it set with `uwsgi.set_user_harakiri()` is over. */
  readonly userHarakiriOverdue: boolean;
  /** It has said nothing for at least this long (ms): its event loop may be blocked. */
  readonly silentMs: number;
  /** How often it was told to say something (ms). */
  readonly heartbeatMs: number;
  /** How late its last heartbeat left (ms); null: none came yet. */
  readonly loopLagMs: number | null;
  /** Its memory; null: no option asks for it, or it is not to be known. */
  readonly memory: WorkerMemory | null;
}

/** A request in flight. */
export interface OldestRequest {
  /** It has run for at least this long (ms). */
  readonly ms: number;
  /** Method and URL as the client sent them, without the host; a long one is cut. */
  readonly name: string;
}

/** The memory of a process, in bytes. */
export interface WorkerMemory {
  /** What is in RAM, parts that it shares with its siblings included. */
  readonly rss: number;
  /** Its address space, whether it is used or not. */
  readonly as: number;
}
