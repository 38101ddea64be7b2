/**
 * What a service manager is told, and when: a pure function of what it was told before and of the
 * master's state. The words are those of sd_notify(3).
 *
 * @module
 */

import { desiredSlots, type MasterState, type Reload } from "../../core/state.ts";

/** One message: the variables of sd_notify(3) and their values. */
export type Notification = Readonly<Record<string, string>>;

/**
 * - `starting`: there is a slot in which no worker has accepted yet;
 * - `reloading`: a reload runs, or waits until it can.
 */
export type ServicePhase = "starting" | "ready" | "reloading" | "stopping";

/** What the service manager knows. */
export interface NotifiedState {
  readonly phase: ServicePhase;
  /** The line that `systemctl status` shows. */
  readonly status: string;
  /** Why the last reload failed; empty: it did not. */
  readonly failure: string;
}

/** What it knows of a process that has just been started. */
export const NOTHING_NOTIFIED: NotifiedState = { phase: "starting", status: "", failure: "" };

/** What there is to say, and what is known after that. */
export interface Update {
  readonly told: NotifiedState;
  readonly messages: readonly Notification[];
}

/** What a new state of the master means to the service manager; `pid` is that of the master. */
export function notifications(
  told: NotifiedState,
  before: MasterState,
  state: MasterState,
  pid: number,
): Update {
  const phase = phaseOf(state);
  const failure = failureAfter(told, before, state);
  const status = statusOf(phase, state, failure);
  const messages = changes(told.phase, phase, before.queued === null && state.queued !== null, pid);
  if (status !== told.status && messages.length === 0) messages.push({});
  const last = messages.pop();
  if (last !== undefined) messages.push({ ...last, STATUS: status, ...patience(phase, state) });
  return { told: { phase, status, failure }, messages };
}

function phaseOf({ phase, ready, reload, queued }: MasterState): ServicePhase {
  if (phase === "stopping" || phase === "killing") return "stopping";
  if (!ready) return "starting";
  return reload !== null || queued !== null ? "reloading" : "ready";
}

/**
 * A reload is announced when it is asked for, also if it has to wait: a service manager that sent
 * SIGHUP waits for the answer (systemd.service(5), `notify-reload`), and takes only one that is newer
 * than its signal. `again`: another one was asked for.
 */
function changes(
  from: ServicePhase,
  to: ServicePhase,
  again: boolean,
  pid: number,
): Notification[] {
  const messages: Notification[] = [];
  const serves = to === "ready" || to === "reloading";
  if (from === "starting" && serves) messages.push({ READY: "1", MAINPID: String(pid) });
  if (to === "reloading" && (from !== "reloading" || again)) messages.push({ RELOADING: "1" });
  if (to === "ready" && from === "reloading") messages.push({ READY: "1" });
  if (to === "stopping" && from !== "stopping") messages.push({ STOPPING: "1" });
  return messages;
}

/** Added to what may take its time, so that the master ends it before the service manager does (10 s). */
const MARGIN_MS = 10_000;

/** How long the next message may take: longer than the service manager's own limit, if need be. */
function patience(phase: ServicePhase, { settings }: MasterState): Notification {
  const { startTimeoutMs, mercyMs, verifyMs } = settings;
  const longest = {
    starting: startTimeoutMs,
    ready: null,
    // The old workers of the one before may still be leaving.
    reloading: startTimeoutMs + verifyMs + mercyMs,
    stopping: mercyMs,
  }[phase];
  return longest === null ? {} : { EXTEND_TIMEOUT_USEC: String((longest + MARGIN_MS) * 1_000) };
}

function statusOf(phase: ServicePhase, state: MasterState, failure: string): string {
  switch (phase) {
    case "starting":
      return `Starting: ${whoAccepts(state)}`;
    case "ready": {
      const status = `${whoAccepts(state)}, generation ${state.generation}`;
      return failure === "" ? status : `${status}. Last reload failed: ${failure}`;
    }
    case "reloading":
      return state.reload === null
        ? "Reloading as soon as the workers of the last reload have left"
        : progress(state.reload);
    case "stopping":
      return farewell(state);
  }
}

function whoAccepts(state: MasterState): string {
  const wanted = desiredSlots(state);
  if (wanted === 0) return "No worker is needed";
  const slots = state.workers.filter((one) => one.state === "accepting").map((one) => one.slot);
  const count = new Set(slots.filter((slot) => slot <= wanted)).size;
  return `${count} of ${wanted} ${wanted === 1 ? "worker accepts" : "workers accept"}`;
}

function progress({ kind, pending, starting, done, failed }: Reload): string {
  const total = pending.length + starting.length + done.length + failed.length;
  if (total === 0) return "Reloading: reading the configuration";
  const [slot] = starting;
  if (kind === "chain" && slot !== undefined) return `Reloading: slot ${slot} of ${total}`;
  return `Reloading: ${done.length} of ${total} slots have a new worker`;
}

function farewell({ phase, workers: { length } }: MasterState): string {
  if (length === 0) return "Stopping";
  const workers = length === 1 ? "1 worker" : `${length} workers`;
  if (phase === "killing") return `Stopping: ${workers} killed`;
  return `Stopping: ${workers} still ${length === 1 ? "finishes" : "finish"}`;
}

/** Longer lines are cut: a datagram has 4096 bytes for systemd. */
const LONGEST_FAILURE = 500;

/** Why the last reload failed. A reload that is done makes an earlier failure a thing of the past. */
function failureAfter(told: NotifiedState, before: MasterState, state: MasterState): string {
  const [last] = state.reloadEnds;
  if (last === undefined || last === before.reloadEnds[0]) return told.failure;
  if (last.outcome === "cancelled") return told.failure;
  return last.why.replaceAll(/\s+/g, " ").slice(0, LONGEST_FAILURE);
}
