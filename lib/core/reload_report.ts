/**
 * How a reload ended, for the log and for those who wait for it.
 *
 * @module
 */

import {
  desiredSlots,
  liveWorkers,
  MOST_RELOAD_ENDS,
  type Reload,
  type ReloadKind,
  type ReloadRecord,
} from "./state.ts";
import { duration, logLine, reportResult, type StepContext } from "./step_context.ts";
import type { SlotChange, Verdict } from "./verdict.ts";

/** The kinds of reloads as log lines name them. */
export const NAME_OF_KIND: Readonly<Record<ReloadKind, string>> = {
  chain: "Chain reload",
  workers: "Reload of the workers",
  all: "Reload",
};

/** Says how it ended. `why` is for failures that are not those of a slot. */
export function reportReload(
  context: StepContext,
  reload: Reload,
  outcome: "done" | "rolled-back" | "failed",
  why: string | null = null,
): void {
  const { state } = context;
  const tookMs = Math.round(context.at - reload.startedAt);
  const failure = outcome === "done" ? "" : why ?? failedSlots(context, reload);
  const text = sentence(reload, failure, why === null ? tookMs : null);
  logLine(context, outcome === "done" ? "info" : "error", text, {
    event: "reloadFinished",
    outcome,
    kind: reload.kind,
    generation: reload.generation,
    failed: reload.failed,
  });
  rememberEnd(context, reload, { outcome, tookMs, text, why: failure });
  const verdict: Verdict = {
    outcome,
    generation: state.generation,
    tookMs,
    slots: changes(context, reload),
    failures: reload.failed,
    text,
  };
  reportResult(context, reload.tickets, verdict);
}

/** Keeps how a reload ended, for who asks later. */
export function rememberEnd(
  { state, at }: StepContext,
  { kind, generation }: Pick<Reload, "kind" | "generation">,
  end: Pick<ReloadRecord, "outcome" | "tookMs" | "text" | "why">,
): void {
  state.reloadEnds = [{ kind, generation, at, ...end }, ...state.reloadEnds]
    .slice(0, MOST_RELOAD_ENDS);
  const { outcome } = end;
  state.reloadOutcomes = {
    ...state.reloadOutcomes,
    [outcome]: state.reloadOutcomes[outcome] + 1,
  };
}

/** `failure`: what went wrong, empty if nothing did. `tookMs`: null if it did not get as far as to workers. */
function sentence(reload: Reload, failure: string, tookMs: number | null): string {
  const what = NAME_OF_KIND[reload.kind];
  const took = tookMs === null ? "" : duration(tookMs);
  if (failure === "") {
    return `${what} done in ${took}: every slot runs generation ${reload.generation}`;
  }
  return `${what} failed${took === "" ? "" : ` after ${took}`}: ${failure}`;
}

function failedSlots(context: StepContext, { failed }: Reload): string {
  const reasons = failed.map(({ slot, why }) => `worker ${slot} ${why}`).join("; ");
  return `${reasons}. ${whoRunsWhat(context)}`;
}

/**
 * How a reload that failed has ended, whichever slot failed first: `rolled-back` if every slot runs what
 * it ran before.
 */
export function outcomeOfFailure({ state }: StepContext, reload: Reload): "rolled-back" | "failed" {
  const wanted = state.slots.slice(0, desiredSlots(state));
  const asBefore = wanted.every(({ number }) => {
    const live = liveWorkers(state, number);
    if (live.length === 0) return (reload.oldPids[number] ?? null) === null;
    return live.every(({ generation }) => generation !== reload.generation);
  });
  return asBefore ? "rolled-back" : "failed";
}

/** The slots that have another worker now. */
function changes({ state }: StepContext, reload: Reload): SlotChange[] {
  return state.slots.map(({ number }) => ({
    slot: number,
    oldPid: reload.oldPids[number] ?? null,
    newPid: liveWorkers(state, number).at(-1)?.pid ?? null,
  })).filter(({ oldPid, newPid }) => oldPid !== newPid);
}

/** Which slots run which generation, for the log: `Slot 1 runs generation 2; slots 2, 3 run …`. */
function whoRunsWhat(context: StepContext): string {
  const byGeneration = new Map<string, number[]>();
  for (const { number } of context.state.slots) {
    const worker = liveWorkers(context.state, number)[0];
    const what = worker === undefined ? "no worker" : `generation ${worker.generation}`;
    byGeneration.set(what, [...(byGeneration.get(what) ?? []), number]);
  }
  const parts = [...byGeneration].map(([what, slots]) =>
    slots.length === 1 ? `slot ${slots[0]} runs ${what}` : `slots ${slots.join(", ")} run ${what}`
  );
  const text = parts.join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
