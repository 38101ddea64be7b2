/**
 * What the master and a thread that starts processes for it tell each other.
 *
 * @module
 */

import type { Rules } from "../../../system/process/landlock.ts";

/** The first message to a thread. */
export interface ThreadSetup {
  readonly rules: Rules;
}

/** Each further one: a process to start. */
export interface SpawnRequest {
  /** Names the process in answers. */
  readonly id: number;
  readonly program: string;
  readonly args: readonly string[];
  /** Its working directory. @default That of the master */
  readonly cwd?: string;
  readonly env: Record<string, string>;
  /** True if standard output is a pipe to the master, as standard error is. */
  readonly stdout: boolean;
  /** The CPUs that it may use, as sched_setaffinity(2) takes them; null: those of the master. */
  readonly cpus: Uint8Array<ArrayBuffer> | null;
  /** Where the master waits for the result, see {@linkcode ANSWER}. */
  readonly answer: SharedArrayBuffer;
}

/** What a thread says. */
export type SpawnAnswer =
  | { readonly type: "restricted" }
  /** The kernel refuses to restrict it. */
  | { readonly type: "refused"; readonly error: string }
  /** Standard error of a process, and standard output if it was asked for. */
  | {
    readonly type: "started";
    readonly id: number;
    readonly streams: readonly ReadableStream<Uint8Array>[];
  }
  | { readonly type: "ended"; readonly id: number; readonly status: Deno.CommandStatus };

/** The shared memory of an answer: two cells of 32 bits, and the text of an error in UTF-8. */
export const ANSWER = {
  /** Cell: 0 as long as nothing has happened, then the pid, `failed`, or `abandoned` by the master. */
  result: 0,
  /** Cell: length of the text. */
  length: 1,
  words: 2,
  textBytes: 1_000,
  failed: -1,
  abandoned: -2,
} as const;

/** Bytes of that memory. */
export const ANSWER_BYTES: number = ANSWER.words * Int32Array.BYTES_PER_ELEMENT + ANSWER.textBytes;
