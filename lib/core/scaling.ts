/**
 * How many slots have a worker: as many as are configured, fewer while fewer are needed. A slot whose
 * worker leaves for good is served by a sibling, so that no connection in its queue is lost.
 *
 * @module
 */

import { canCover } from "./coverage.ts";
import { growSlots, retireOthers } from "./pool.ts";
import { requestRecycling } from "./recycle.ts";
import { liveWorkers, type MasterState, wantedSlots } from "./state.ts";
import { decide, log, type Turn, verdictNow } from "./turn.ts";
import type { Ticket } from "./verdict.ts";

/** Somebody wants another number of slots. */
export function scale(
  turn: Turn,
  processes: number,
  why: string,
  tickets: readonly Ticket[],
): void {
  const { state } = turn;
  const before = state.settings.processes;
  const problem = processes < before ? whyNotFewer(state) : null;
  if (problem !== null) return refuseScaling(turn, problem, tickets);
  state.settings = { ...state.settings, processes };
  if (state.nextSettings !== null) state.nextSettings = { ...state.nextSettings, processes };
  growSlots(turn, processes);
  log(turn, "info", `Scaling from ${before} to ${processes} workers: ${why}`, {
    event: "scaling",
    from: before,
    to: processes,
  });
  const text = `${processes} workers from now on`;
  decide(turn, tickets, verdictNow(turn, "done", text));
}

/** The number of slots stays as it is. */
export function refuseScaling(turn: Turn, problem: string, tickets: readonly Ticket[]): void {
  log(turn, "error", `Cannot scale: ${problem}`, { event: "scaleRefused" });
  decide(turn, tickets, verdictNow(turn, "failed", problem));
}

/** Fewer slots are needed for now, or more again. */
export function want(turn: Turn, workers: number, why: string): void {
  const { state } = turn;
  const before = wantedSlots(state);
  if (workers < before && whyNotFewer(state) !== null) return;
  state.want = workers;
  const after = wantedSlots(state);
  if (after === before) return;
  log(turn, "info", `${after} of ${state.settings.processes} workers wanted: ${why}`, {
    event: "wanted",
    from: before,
    to: after,
  });
}

/** Why no slot can be left without a worker; null: one can. */
export function whyNotFewer(state: MasterState): string | null {
  if (!state.socketPerSlot) return null;
  if (!state.workers.some((worker) => worker.state === "accepting" && !worker.covers)) return null;
  return "the script does not serve all sockets through the uwsgi module, so nobody could take the " +
    "queues of the slots that go";
}

/**
 * Sends the workers of slots away that are not wanted. Where nobody else has the slot's socket, a
 * sibling is replaced first: its successor inherits all of them.
 */
export function shrink(turn: Turn): void {
  const { state } = turn;
  if (state.phase !== "running" || state.reload !== null) return;
  const wanted = wantedSlots(state);
  for (const slot of state.slots.slice(wanted)) {
    slot.respawnAt = null;
    if (wanted === 0 || canCover(state, slot.number, wanted)) {
      retireOthers(turn, slot.number, null, "scaled-down");
      continue;
    }
    const [first] = liveWorkers(state, slot.number);
    if (first === undefined) continue;
    const heir = state.workers.find((worker) =>
      worker.slot <= wanted && worker.state === "accepting"
    );
    const why = `it does not have the sockets of slot ${slot.number}, which is to go`;
    if (heir !== undefined) requestRecycling(turn, heir, "reload", why);
  }
}

/** For who did not mean that: a terminal's Ctrl-Z suspends other programs. */
const PAUSED =
  "No worker accepts, and clients wait until it is resumed: by SIGTSTP again (Ctrl-Z) " +
  "or ctl resume";

/** Stops accepting everywhere, or accepts again. */
export function pause(turn: Turn, on: boolean, why: string, tickets: readonly Ticket[]): void {
  const { state } = turn;
  const text = on ? "No worker accepts until it is resumed" : "The workers accept again";
  decide(turn, tickets, verdictNow(turn, "done", text));
  if (state.paused === on) return;
  state.paused = on;
  const what = on ? `Pausing: ${why}. ${PAUSED}` : `Resuming: ${why}`;
  log(turn, "warning", what, {
    event: on ? "paused" : "resumed",
  });
  for (const worker of state.workers) {
    // What a worker has said last may be older than what it was told last.
    if (worker.state !== "accepting" && worker.state !== "paused") continue;
    turn.effects.push(
      on
        ? { type: "standBy", worker: worker.id, drain: false }
        : { type: "recall", worker: worker.id },
    );
  }
}

/** Who serves when every slot that is wanted accepts, for the log. */
export function whoAccepts(workers: number): string {
  if (workers === 0) return "No worker is needed yet: listening";
  return workers === 1 ? "The worker accepts" : `All ${workers} workers accept`;
}
