/**
 * What can happen to the master, and what it can ask for.
 *
 * @module
 */

import type { LimitReason, ReloadKind, Settings } from "./state.ts";
import type { RequestId, Verdict } from "./verdict.ts";
import type { RetireReason } from "../protocol/message.ts";

/** Something that can happen. */
export type MasterEvent =
  /** Begin: start a worker in every slot. */
  | { readonly type: "start" }
  | { readonly type: "spawned"; readonly worker: number; readonly pid: number }
  | { readonly type: "spawnFailed"; readonly worker: number; readonly error: string }
  | {
    readonly type: "accepting";
    readonly worker: number;
    readonly on: boolean;
    readonly covers: boolean;
  }
  /** A worker that says it accepts has left clients of this socket waiting for the `start-timeout`. */
  | { readonly type: "unserved"; readonly worker: number; readonly address: string }
  /** A worker leaves by itself, because somebody sent it a signal. */
  | { readonly type: "leaving"; readonly worker: number }
  /** A worker that leaves waits for these connections, `leftMs` at most. */
  | {
    readonly type: "waiting";
    readonly worker: number;
    readonly requests: number;
    readonly idle: number;
    readonly lasting: number;
    readonly leftMs: number;
  }
  /** The control pipe of a worker ended or spoke nonsense, and the process is still there. */
  | { readonly type: "pipeBroken"; readonly worker: number; readonly error: string }
  | {
    readonly type: "exited";
    readonly worker: number;
    /** In words: `exited with code 1`, `was killed by SIGSEGV`. */
    readonly how: string;
    /** The first line of the error it printed while starting; null: none was seen. */
    readonly error: string | null;
  }
  /**
   * Somebody wants a reload; `why` says who, for the log. `brutal`: old workers are killed as soon as
   * their successors accept. `program`: of the kind `all`, the master's program is replaced as well,
   * whether or not anything changed.
   */
  | {
    readonly type: "reload";
    readonly kind: ReloadKind;
    readonly why: string;
    readonly brutal?: boolean;
    readonly program?: boolean;
    readonly ticket?: RequestId;
  }
  /** Somebody wants this many worker slots (at least 1), until the configuration is read again. */
  | {
    readonly type: "scale";
    readonly processes: number;
    readonly why: string;
    readonly ticket?: RequestId;
  }
  /** They cannot have it. */
  | { readonly type: "scaleFailed"; readonly problem: string; readonly ticket?: RequestId }
  /** Of the slots, only the first `workers` are needed now (`cheaper`); 0: none (`cheap`). */
  | { readonly type: "want"; readonly workers: number; readonly why: string }
  /** Stop accepting, or accept again; connections wait in the queues meanwhile. */
  | {
    readonly type: "pause";
    readonly on: boolean;
    readonly why: string;
    readonly ticket?: RequestId;
  }
  /** A worker has reached a limit: it is replaced, its successor accepting before it leaves. */
  | {
    readonly type: "recycle";
    readonly worker: number;
    readonly reason: LimitReason;
    readonly why: string;
  }
  /**
   * A worker does not get on (harakiri, hang): it is replaced at once, may finish what else it has for
   * `graceMs`, and is killed then.
   */
  | {
    readonly type: "condemn";
    readonly worker: number;
    readonly reason: LimitReason;
    readonly why: string;
    readonly graceMs: number;
  }
  /** The configuration was read again and is good. */
  | { readonly type: "configured"; readonly settings: Settings }
  /** It takes another master: a new program in this process, which goes on with these workers. */
  | { readonly type: "masterOutdated" }
  /** It cannot be used: the problems were logged, nothing changes. `why`: the first of them. */
  | { readonly type: "notConfigured"; readonly why: string }
  /**
   * `brutal`: the workers are killed, as on a second stop. `once`: it changes nothing when the instance
   * stops already.
   */
  | {
    readonly type: "stop";
    readonly why: string;
    readonly brutal?: boolean;
    readonly once?: boolean;
    readonly ticket?: RequestId;
  }
  /** The master itself could not run for so long: nobody's time was over meanwhile. */
  | { readonly type: "overslept"; readonly ms: number }
  /** A deadline may have passed. */
  | { readonly type: "tick" };

/** Something that happened. `at` is monotonic time in milliseconds. */
export type TimedEvent = MasterEvent & { readonly at: number };

/** Levels of log lines. */
export type LogLevel = "info" | "warning" | "error";

/** Something to be done. */
export type Effect =
  /** Start a process; `spawned` or `spawnFailed` follows. */
  | {
    readonly type: "spawn";
    readonly worker: number;
    readonly slot: number;
    readonly generation: number;
  }
  | {
    readonly type: "retire";
    readonly worker: number;
    readonly reason: RetireReason;
    readonly mercyMs: number;
  }
  /** Stop accepting and stay; `drain`: finish with the clients there are. */
  | { readonly type: "standBy"; readonly worker: number; readonly drain: boolean }
  /** Accept again; `accepting` follows. */
  | { readonly type: "recall"; readonly worker: number }
  | { readonly type: "signal"; readonly worker: number; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly type: "cover"; readonly worker: number; readonly slots: readonly number[] }
  /** Look whether the files of Unix sockets are still there: the workers of a reload are about to start. */
  | { readonly type: "lookAtSockets" }
  /** Read the configuration again; `configured` or `notConfigured` follows. */
  | { readonly type: "readConfiguration"; readonly program: boolean }
  /** Replace the master's program: it goes on with the workers in this state. */
  | { readonly type: "execMaster" }
  /** Close the listening sockets: workers have their own descriptors until they have stopped. */
  | { readonly type: "closeSockets" }
  /** This generation has proved itself: it is the one that is respawned from now on. */
  | { readonly type: "confirm"; readonly generation: number }
  /** The first worker of every slot has accepted. */
  | { readonly type: "ready"; readonly afterMs: number }
  | {
    readonly type: "log";
    readonly level: LogLevel;
    readonly text: string;
    /** What machines read instead of the text. */
    readonly fields: Record<string, unknown>;
  }
  /** What came of what these asked for. */
  | { readonly type: "verdict"; readonly tickets: readonly RequestId[]; readonly verdict: Verdict }
  /** The master's work is done. */
  | { readonly type: "exit"; readonly outcome: MasterOutcome };

/** How the master ends; `exit_code.ts` has the number for each. */
export type MasterOutcome = "stopped" | "noWorkerStarted" | "noWorkerLeft" | "killed";
