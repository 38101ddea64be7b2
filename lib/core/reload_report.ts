/**
 * How a reload ended, for the log and for those who wait for it.
 *
 * @module
 */

import {
  liveWorkers,
  MOST_RELOAD_ENDS,
  type Reload,
  type ReloadEnd,
  type ReloadKind,
  wantedSlots,
} from "./state.ts";
import { decide, duration, log, type Turn } from "./step_context.ts";
import type { SlotChange, Verdict } from "./verdict.ts";

/** The kinds of reloads as log lines name them. */
export const NAME_OF_KIND: Readonly<Record<ReloadKind, string>> = {
  chain: "Chain reload",
  workers: "Reload of the workers",
  all: "Reload",
};

/** Says how it ended. `why` is for failures that are not those of a slot. */
export function reportReload(
  turn: Turn,
  reload: Reload,
  outcome: "done" | "rolled-back" | "failed",
  why: string | null = null,
): void {
  const { state } = turn;
  const tookMs = Math.round(turn.at - reload.startedAt);
  const text = sentence(turn, reload, outcome, why, tookMs);
  log(turn, outcome === "done" ? "info" : "error", text, {
    event: "reloadFinished",
    outcome,
    kind: reload.kind,
    generation: reload.generation,
    failed: reload.failed,
  });
  rememberEnd(turn, reload, { outcome, tookMs, text });
  const verdict: Verdict = {
    outcome,
    generation: state.generation,
    tookMs,
    slots: changes(turn, reload),
    failures: reload.failed,
    text,
  };
  decide(turn, reload.tickets, verdict);
}

/** Keeps how a reload ended, for who asks later. */
export function rememberEnd(
  { state, at }: Turn,
  { kind, generation }: Pick<Reload, "kind" | "generation">,
  end: Pick<ReloadEnd, "outcome" | "tookMs" | "text">,
): void {
  state.reloadEnds = [{ kind, generation, at, ...end }, ...state.reloadEnds]
    .slice(0, MOST_RELOAD_ENDS);
  const { outcome } = end;
  state.reloadOutcomes = {
    ...state.reloadOutcomes,
    [outcome]: state.reloadOutcomes[outcome] + 1,
  };
}

function sentence(
  turn: Turn,
  reload: Reload,
  outcome: Verdict["outcome"],
  why: string | null,
  tookMs: number,
): string {
  const what = NAME_OF_KIND[reload.kind];
  const took = duration(tookMs);
  if (outcome === "done") {
    return `${what} done in ${took}: every slot runs generation ${reload.generation}`;
  }
  if (why !== null) return `${what} failed: ${why}`;
  const reasons = reload.failed.map((failure) => `worker ${failure.slot} ${failure.why}`).join(
    "; ",
  );
  return `${what} failed after ${took}: ${reasons}. ${whoRunsWhat(turn)}`;
}

/**
 * How a reload that failed has ended, whichever slot failed first: `rolled-back` if every slot runs what
 * it ran before.
 */
export function outcomeOfFailure({ state }: Turn, reload: Reload): "rolled-back" | "failed" {
  const wanted = state.slots.slice(0, wantedSlots(state));
  const asBefore = wanted.every(({ number }) => {
    const live = liveWorkers(state, number);
    if (live.length === 0) return (reload.oldPids[number] ?? null) === null;
    return live.every(({ generation }) => generation !== reload.generation);
  });
  return asBefore ? "rolled-back" : "failed";
}

/** The slots that have another worker now. */
function changes({ state }: Turn, reload: Reload): SlotChange[] {
  return state.slots.map(({ number }) => ({
    slot: number,
    oldPid: reload.oldPids[number] ?? null,
    newPid: liveWorkers(state, number).at(-1)?.pid ?? null,
  })).filter(({ oldPid, newPid }) => oldPid !== newPid);
}

/** Which slots run which generation, for the log: `Slot 1 runs generation 2; slots 2, 3 run …`. */
function whoRunsWhat(turn: Turn): string {
  const byGeneration = new Map<string, number[]>();
  for (const { number } of turn.state.slots) {
    const worker = liveWorkers(turn.state, number)[0];
    const what = worker === undefined ? "no worker" : `generation ${worker.generation}`;
    byGeneration.set(what, [...(byGeneration.get(what) ?? []), number]);
  }
  const parts = [...byGeneration].map(([what, slots]) =>
    slots.length === 1 ? `slot ${slots[0]} runs ${what}` : `slots ${slots.join(", ")} run ${what}`
  );
  const text = parts.join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
