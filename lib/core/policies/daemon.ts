/**
 * What is to be done about a daemon that lives on its own, known by its pidfile: pure, looked at once a
 * second.
 *
 * @module
 */

import { deathsInARow, pauseBeforeRespawn } from "../restart_policy.ts";

/** What is known of the daemon. Times are monotonic milliseconds. */
export interface SmartState {
  /** When it was started last and did not yet show up; null: nobody waits for it. */
  readonly startedAt: number | null;
  /** Since when it lives; null: it does not. */
  readonly aliveSince: number | null;
  /** Deaths in a row, see `restart_policy.ts`. */
  readonly deaths: number;
  /** Not started before; null: at once. */
  readonly notBefore: number | null;
}

/**
 * What is to be done: `start` it, or only say that it `appeared`, is `gone`, or is `late`: it was started
 * and its pidfile does not name it.
 */
export type SmartAction = "start" | "appeared" | "gone" | "late" | "nothing";

/** Before anything was seen. */
export const UNKNOWN: SmartState = {
  startedAt: null,
  aliveSince: null,
  deaths: 0,
  notBefore: null,
};

/**
 * One look.
 *
 * @param alive Whether the pidfile names a live process.
 * @param patienceMs How long it has from its start until its pidfile names it.
 * @param longestPauseMs Longest pause before it is started again.
 */
export function nextDaemonAction(
  state: SmartState,
  alive: boolean,
  at: number,
  patienceMs: number,
  longestPauseMs: number,
): { readonly state: SmartState; readonly action: SmartAction } {
  if (alive) {
    if (state.aliveSince !== null) return { state, action: "nothing" };
    const now = { ...state, startedAt: null, aliveSince: at, notBefore: null };
    return { state: now, action: "appeared" };
  }
  if (state.aliveSince !== null) {
    return { state: failed(state, at - state.aliveSince, at, longestPauseMs), action: "gone" };
  }
  if (state.startedAt !== null) {
    if (at - state.startedAt < patienceMs) return { state, action: "nothing" };
    return { state: failed(state, 0, at, longestPauseMs), action: "late" };
  }
  if (state.notBefore !== null && at < state.notBefore) return { state, action: "nothing" };
  return { state: { ...state, startedAt: at, notBefore: null }, action: "start" };
}

function failed(
  state: SmartState,
  livedMs: number,
  at: number,
  longestPauseMs: number,
): SmartState {
  const deaths = deathsInARow(state.deaths, livedMs);
  const pauseMs = Math.min(pauseBeforeRespawn(deaths), longestPauseMs);
  return { startedAt: null, aliveSince: null, deaths, notBefore: at + pauseMs };
}
