/**
 * Everything the master knows, as one value. `step.ts` is the only place that makes a new one.
 *
 * @module
 */

import type { ReloadOutcome, RequestId, SlotFailure, Verdict } from "./verdict.ts";
import type { WorkerState } from "./worker_table.ts";

/** The limits of a worker that make it leave. */
export type LimitReason =
  | "max-requests"
  | "max-worker-lifetime"
  | "reload-on-rss"
  | "reload-on-as"
  | "evil-reload-on-rss"
  | "harakiri"
  | "hang";

/** Why a worker leaves. The first reason stays: a retiring worker that is killed has retired. */
export type LeaveReason =
  | "reload"
  | "stop"
  | LimitReason
  | "scaled-down"
  | "reload-failed"
  | "start-timeout"
  | "not-accepting"
  | "signal"
  | "pipe-broken";

/** The clients that a worker waits for, which leaves, in connections. */
export interface WaitingClients {
  /** With a request. */
  readonly requests: number;
  /** Without one. */
  readonly idle: number;
  /** WebSockets and event streams. */
  readonly lasting: number;
  /** When none of them is left, at the latest. */
  readonly until: number;
}

/** One worker process. */
export interface Worker {
  /** Counts all processes ever started; pids come again, these do not. */
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  pid: number | null;
  state: WorkerState;
  readonly spawnedAt: number;
  /** When it accepted for the first time; null: not yet. */
  acceptedAt: number | null;
  /** When its state's time is over; null: it has no limit. */
  deadline: number | null;
  reason: LeaveReason | null;
  /** Why it is to be replaced when its turn comes; null: it may stay. */
  recycle: LeaveReason | null;
  /** Whom it waits for; null: nobody, or it has not said so. */
  waitsFor: WaitingClients | null;
  /** True if it can accept on the sockets of other slots. */
  covers: boolean;
  /** The slots without a worker that it was told to accept for. */
  duty: readonly number[];
  /** How many slots there were when it started: it inherited no further sockets. */
  readonly slotsKnown: number;
}

/** One worker slot: what stays when its worker goes. */
export interface Slot {
  readonly number: number;
  /** Deaths in a row, see `restart_policy.ts`. */
  deaths: number;
  /** When the next worker is started; null: none is due. */
  respawnAt: number | null;
  /** True if none is started before the next reload (`respawn-limit`). */
  givenUp: boolean;
  /** True once a worker accepted here: from then on the slot's sockets have a queue. */
  opened: boolean;
  /** Why its last worker failed to start, or died; null: none did, or a later one accepted. */
  lastFailure: string | null;
  /** Why the last worker that is gone left, or how it died; null: none is gone. */
  lastLeave: string | null;
  /** Workers that `harakiri` has ended. */
  harakiris: number;
}

/** A slot of which nothing is known yet. */
export function newSlot(number: number): Slot {
  return {
    number,
    deaths: 0,
    respawnAt: null,
    givenUp: false,
    opened: false,
    lastFailure: null,
    lastLeave: null,
    harakiris: 0,
  };
}

/**
 * `chain`: one slot after the other. `workers`: every slot at once. `all`: the same, with the
 * configuration read again.
 */
export type ReloadKind = "chain" | "workers" | "all";

/** A reload that was asked for. */
export interface ReloadRequest {
  readonly kind: ReloadKind;
  /** Old workers are killed as soon as their successors accept. */
  readonly brutal: boolean;
  /** The master's program is replaced in any case. */
  readonly program: boolean;
  /** Who waits for the verdict. */
  readonly tickets: readonly RequestId[];
}

/** A reload on its way. */
export interface Reload {
  readonly kind: ReloadKind;
  readonly brutal: boolean;
  readonly tickets: readonly RequestId[];
  readonly generation: number;
  readonly startedAt: number;
  /** True if replaced workers stay on standby until the reload is through. */
  readonly rollback: boolean;
  /** Whether the master's program has to be replaced first; `asked`: it is about to be. */
  exec: "no" | "wanted" | "asked";
  /** The pids of the workers before it, by slot. */
  readonly oldPids: Readonly<Record<number, number | null>>;
  /** Slots still to come, in order. */
  pending: number[];
  /** Slots whose new worker is starting. */
  starting: number[];
  /** Slots that have their new worker. */
  done: number[];
  failed: SlotFailure[];
  /** When the youngest new worker has lived long enough; null: some are still to come. */
  verifiedAt: number | null;
  /** True once it has failed, and waits for those who were recalled. */
  ending: boolean;
}

/** More or fewer slots were asked for, and the workers of added ones do not all accept yet. */
export interface Scale {
  /** How many slots there are without them. */
  readonly before: number;
  /** Who waits for the verdict. */
  readonly tickets: readonly RequestId[];
  readonly startedAt: number;
}

/** How a reload ended. */
export interface ReloadRecord {
  readonly kind: ReloadKind;
  readonly outcome: Verdict["outcome"];
  /** The generation it was to bring. */
  readonly generation: number;
  /** When it ended. */
  readonly at: number;
  readonly tookMs: number;
  /** In one line, for people. */
  readonly text: string;
  /** What went wrong, without what and when; empty: nothing, or an older program has not said it. */
  readonly why: string;
}

/** So many ends of reloads are remembered. */
export const MOST_RELOAD_ENDS = 20;

/** The settings that decisions depend on. */
export interface Settings {
  readonly processes: number;
  readonly startTimeoutMs: number;
  readonly mercyMs: number;
  /** `chain-reload-rollback`. */
  readonly rollback: boolean;
  /** `chain-reload-verify`. */
  readonly verifyMs: number;
  /** `respawn-limit`; 0: none. */
  readonly respawnLimit: number;
  /** `die-on-no-workers`. */
  readonly dieOnNoWorkers: boolean;
}

/**
 * - `starting`: no worker has ever accepted;
 * - `running`: at least one did;
 * - `stopping`: everybody was asked to leave;
 * - `killing`: everybody was told to.
 */
export type Phase = "starting" | "running" | "stopping" | "killing";

/** The state of the master. */
export interface MasterState {
  phase: Phase;
  readonly startedAt: number;
  /** The generation that is respawned: the newest one of which a worker has accepted. */
  generation: number;
  settings: Settings;
  /** Of the `processes` slots only the first so many are needed now (`cheaper`); null: all. */
  want: number | null;
  /** True while nobody is to accept. */
  paused: boolean;
  /** Settings of a reload that no worker has confirmed yet. */
  nextSettings: Settings | null;
  /** True if TCP sockets exist once per slot, so that a slot without worker needs a sibling. */
  readonly socketPerSlot: boolean;
  /** True if the sockets of slot 1 listen before it has had a worker: connections wait there already. */
  firstListens: boolean;
  nextWorker: number;
  /** The newest generation ever started. */
  lastGeneration: number;
  workers: Worker[];
  slots: Slot[];
  reload: Reload | null;
  /** How the last reloads ended, the newest first, at most {@linkcode MOST_RELOAD_ENDS}. */
  reloadEnds: readonly ReloadRecord[];
  /** How many reloads have ended, by how. */
  reloadOutcomes: Readonly<Record<ReloadOutcome, number>>;
  /** A reload asked for while one was running: one is kept, the one that does more. */
  queued: ReloadRequest | null;
  /** Slots that were added, until their workers accept; null: none were. */
  scale: Scale | null;
  /** When a line says for whom the master waits; null: it waits for nobody. */
  waitLineAt: number | null;
  /** Who waits for the instance to stop. */
  stopTickets: readonly RequestId[];
  /** Slot without worker → the id of the worker that accepts for it. */
  coverage: Record<number, number>;
  /** True once every slot has had an accepting worker. */
  ready: boolean;
}

/** The state before anything happened; `want` as in {@linkcode MasterState}. */
export function initialState(
  settings: Settings,
  socketPerSlot: boolean,
  at: number,
  want: number | null = null,
): MasterState {
  return {
    phase: "starting",
    startedAt: at,
    generation: 1,
    settings,
    want,
    paused: false,
    nextSettings: null,
    socketPerSlot,
    firstListens: false,
    nextWorker: 1,
    lastGeneration: 1,
    workers: [],
    slots: [],
    reload: null,
    reloadEnds: [],
    reloadOutcomes: { done: 0, "rolled-back": 0, failed: 0, cancelled: 0 },
    queued: null,
    scale: null,
    waitLineAt: null,
    stopTickets: [],
    coverage: {},
    ready: false,
  };
}

/** As {@linkcode MasterState.want}: more than there can be, so that all slots have a worker. */
export const EVERYBODY = Number.MAX_SAFE_INTEGER;

/** Number of slots that are to have a worker now. */
export function desiredSlots({ want, settings }: MasterState): number {
  return Math.min(want ?? settings.processes, settings.processes);
}

/** Workers of a slot that are neither on standby nor leaving, oldest first. */
export function liveWorkers(state: MasterState, slot: number): Worker[] {
  return state.workers.filter((worker) =>
    worker.slot === slot && worker.state !== "standby" && !isLeaving(worker)
  );
}

/** True while a worker has been started that does not accept yet. */
export function isAnybodyStarting({ workers }: MasterState): boolean {
  return workers.some(({ state }) => state === "starting");
}

/** The worker that a slot shows: the one that accepts, else the newest one that is to. */
export function servingWorker(state: MasterState, slot: number): Worker | undefined {
  const workers = state.workers.filter((worker) => worker.slot === slot);
  return workers.find((worker) => worker.state === "accepting") ??
    workers.findLast(({ state }) =>
      state === "starting" || state === "paused" || state === "recalled"
    );
}

/** True for a worker that was told to leave, or killed. */
export function isLeaving(worker: Pick<Worker, "state">): boolean {
  return worker.state === "retiring" || worker.state === "killed";
}

/** The time of the next thing that is due by itself; null: nothing is. */
export function nextDeadline(state: MasterState): number | null {
  let next: number | null = null;
  const times = [
    ...state.workers.map((worker) => worker.deadline),
    ...state.slots.map((slot) => slot.respawnAt),
    state.reload?.verifiedAt ?? null,
    state.waitLineAt,
  ];
  for (const time of times) {
    if (time !== null && (next === null || time < next)) next = time;
  }
  return next;
}
