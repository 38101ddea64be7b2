/**
 * A worker's life as a total table: whatever happens in whatever state has one visible answer.
 *
 * @module
 */

/**
 * - `starting`: the process exists and has not said `accepting()` yet;
 * - `accepting`: it takes connections;
 * - `paused`: it said `accepting(0)` and lives on;
 * - `standby`: its successor accepts; it finishes what it has, and may be recalled;
 * - `recalled`: it was asked to accept again;
 * - `retiring`: it was told to leave and finishes what it has;
 * - `killed`: it got SIGKILL and is about to be gone.
 */
export type WorkerState =
  | "starting"
  | "accepting"
  | "paused"
  | "standby"
  | "recalled"
  | "retiring"
  | "killed";

/**
 * - `accept`, `pause`: the worker said so;
 * - `standBy`: the master wants it to make room for its successor, and to stay;
 * - `recall`: the master wants it to accept again;
 * - `retire`: the master wants it gone in order;
 * - `kill`: the master wants it gone now;
 * - `deadline`: the time its state allows is over;
 * - `exit`: the process ended.
 */
export type WorkerEvent =
  | "accept"
  | "pause"
  | "standBy"
  | "recall"
  | "retire"
  | "kill"
  | "deadline"
  | "exit";

/** What the master does about it. */
export type WorkerAction =
  /** Nothing. */
  | "ignore"
  /** It is the worker of its slot now; the one before it retires. */
  | "promote"
  /** Only note it. */
  | "note"
  /** Ask it to stop accepting and to stay. */
  | "sendAside"
  /** Ask it to accept again. */
  | "recall"
  /** It accepts again: its successors leave. */
  | "reinstate"
  /** Ask it to leave over the control pipe. */
  | "ask"
  /** It never had a client: SIGTERM, and little patience. */
  | "terminate"
  /** SIGKILL. */
  | "kill"
  /** The start failed. */
  | "startFailed"
  /** It died without being told to leave. */
  | "died"
  /** It left as it was told to. */
  | "left";

/** One answer: the state it is in from now on, and what is done. */
export interface Transition {
  readonly next: WorkerState | "gone";
  readonly action: WorkerAction;
}

function answer(next: Transition["next"], action: WorkerAction): Transition {
  return { next, action };
}

/** The table. A missing cell does not compile. */
export const WORKER_TABLE: Readonly<
  Record<WorkerState, Readonly<Record<WorkerEvent, Transition>>>
> = {
  starting: {
    accept: answer("accepting", "promote"),
    pause: answer("starting", "ignore"),
    standBy: answer("retiring", "terminate"),
    recall: answer("starting", "ignore"),
    retire: answer("retiring", "terminate"),
    kill: answer("killed", "kill"),
    deadline: answer("killed", "startFailed"),
    exit: answer("gone", "startFailed"),
  },
  accepting: {
    accept: answer("accepting", "note"),
    pause: answer("paused", "note"),
    standBy: answer("standby", "sendAside"),
    recall: answer("accepting", "ignore"),
    retire: answer("retiring", "ask"),
    kill: answer("killed", "kill"),
    deadline: answer("accepting", "ignore"),
    exit: answer("gone", "died"),
  },
  paused: {
    accept: answer("accepting", "note"),
    pause: answer("paused", "ignore"),
    standBy: answer("standby", "sendAside"),
    recall: answer("paused", "ignore"),
    retire: answer("retiring", "ask"),
    kill: answer("killed", "kill"),
    deadline: answer("paused", "ignore"),
    exit: answer("gone", "died"),
  },
  standby: {
    accept: answer("standby", "ignore"),
    pause: answer("standby", "ignore"),
    standBy: answer("standby", "ignore"),
    recall: answer("recalled", "recall"),
    retire: answer("retiring", "ask"),
    kill: answer("killed", "kill"),
    deadline: answer("standby", "ignore"),
    exit: answer("gone", "left"),
  },
  recalled: {
    accept: answer("accepting", "reinstate"),
    pause: answer("recalled", "ignore"),
    standBy: answer("standby", "sendAside"),
    recall: answer("recalled", "ignore"),
    retire: answer("retiring", "ask"),
    kill: answer("killed", "kill"),
    deadline: answer("killed", "kill"),
    exit: answer("gone", "died"),
  },
  retiring: {
    accept: answer("retiring", "ignore"),
    pause: answer("retiring", "ignore"),
    standBy: answer("retiring", "ignore"),
    recall: answer("retiring", "ignore"),
    retire: answer("retiring", "ignore"),
    kill: answer("killed", "kill"),
    deadline: answer("killed", "kill"),
    exit: answer("gone", "left"),
  },
  killed: {
    accept: answer("killed", "ignore"),
    pause: answer("killed", "ignore"),
    standBy: answer("killed", "ignore"),
    recall: answer("killed", "ignore"),
    retire: answer("killed", "ignore"),
    kill: answer("killed", "ignore"),
    deadline: answer("killed", "ignore"),
    exit: answer("gone", "left"),
  },
};
