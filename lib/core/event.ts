/**
 * What can happen to the master, and what it can ask for.
 *
 * @module
 */

import type { ReloadKind, Settings } from "./state.ts";
import type { RetireReason } from "../protocol/message.ts";

/** Something that can happen. */
export type Happening =
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
  /** A worker leaves by itself, because somebody sent it a signal. */
  | { readonly type: "leaving"; readonly worker: number }
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
  /** Somebody wants a reload; `why` says who, for the log. */
  | { readonly type: "reload"; readonly kind: ReloadKind; readonly why: string }
  /** The configuration was read again and is good. */
  | { readonly type: "configured"; readonly settings: Settings }
  /** It could not be read: the problems were logged, nothing changes. */
  | { readonly type: "notConfigured" }
  | { readonly type: "stop"; readonly why: string }
  /** A deadline may have passed. */
  | { readonly type: "tick" };

/** Something that happened. `at` is monotonic time in milliseconds. */
export type MasterEvent = Happening & { readonly at: number };

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
  | { readonly type: "signal"; readonly worker: number; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly type: "cover"; readonly worker: number; readonly slots: readonly number[] }
  /** Read the configuration again; `configured` or `notConfigured` follows. */
  | { readonly type: "readConfiguration" }
  /** Close the listening sockets: workers have their own descriptors until they have stopped. */
  | { readonly type: "closeSockets" }
  /** A worker of this generation accepted: it is the one that is respawned from now on. */
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
  /** The master's work is done. */
  | { readonly type: "exit"; readonly outcome: Outcome };

/** How the master ends; `exit_code.ts` has the number for each. */
export type Outcome = "stopped" | "noWorkerStarted" | "killed";
