/**
 * What came of something that was asked for: who asked gets it, and it is what `ctl --wait` prints.
 *
 * @module
 */

/** Names somebody who waits for a verdict; the master's edge knows who it is. */
export type RequestId = number;

/**
 * What came of it, in a word:
 *
 * - `done`: it is as it was asked for;
 * - `rolled-back`: a reload failed, and every slot runs the generation before it, again or still;
 * - `failed`: it could not be done, and it was told why;
 * - `cancelled`: a stop came between.
 */
export type ReloadOutcome = "done" | "rolled-back" | "failed" | "cancelled";

/** What came of a request. */
export interface Verdict {
  /** Whether it is as it was asked for. */
  readonly outcome: ReloadOutcome;
  /** The generation that is respawned from now on. */
  readonly generation: number;
  /** Milliseconds from its begin to its end. */
  readonly tookMs: number;
  /** For a reload: the slots that have another worker now. A pid is null where there is none. */
  readonly slots: readonly SlotChange[];
  /** The slots that failed. */
  readonly failures: readonly SlotFailure[];
  /** In one line, for people. */
  readonly text: string;
}

/** A slot before and after a reload. */
export interface SlotChange {
  /** Number of the slot, from 1. */
  readonly slot: number;
  /** Its worker before. */
  readonly oldPid: number | null;
  /** Its worker now. */
  readonly newPid: number | null;
}

/** A slot that did not get its new worker, and why. */
export interface SlotFailure {
  /** Number of the slot, from 1. */
  readonly slot: number;
  /** In words. */
  readonly why: string;
}
