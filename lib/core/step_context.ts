/**
 * One turn of the master: a copy of the state that may be changed, the effects asked for so far, and
 * the time. Turns are made and ended by `step.ts`; everything in between is plain code over them.
 *
 * @module
 */

import type { Effect, LogLevel } from "./event.ts";
import type { MasterState, Worker } from "./state.ts";
import type { RequestId, Verdict } from "./verdict.ts";

/** What the functions of `lib/core` work on. */
export interface StepContext {
  readonly state: MasterState;
  readonly effects: Effect[];
  readonly at: number;
}

/** Opens a turn on a copy of `state`: the value that was passed in stays as it is. */
export function beginStep(state: MasterState, at: number): StepContext {
  const reload = state.reload;
  const copy: MasterState = {
    ...state,
    workers: state.workers.map((worker) => ({ ...worker })),
    slots: state.slots.map((slot) => ({ ...slot })),
    reload: reload && {
      ...reload,
      pending: [...reload.pending],
      starting: [...reload.starting],
      done: [...reload.done],
      failed: [...reload.failed],
    },
    coverage: { ...state.coverage },
  };
  return { state: copy, effects: [], at };
}

/** Asks for a log line; `fields` is what machines read. */
export function logLine(
  context: StepContext,
  level: LogLevel,
  text: string,
  fields: Record<string, unknown>,
): void {
  context.effects.push({ type: "log", level, text, fields });
}

/** Tells those who wait what came of what they asked for. */
export function reportResult(
  context: StepContext,
  tickets: readonly RequestId[],
  verdict: Verdict,
): void {
  if (tickets.length > 0) context.effects.push({ type: "verdict", tickets, verdict });
}

/** The verdict on something that was done, or could not be done, at once. */
export function verdictNow(
  context: StepContext,
  outcome: Verdict["outcome"],
  text: string,
): Verdict {
  const { generation } = context.state;
  return { outcome, generation, tookMs: 0, slots: [], failures: [], text };
}

/** A worker as log lines name it. */
export function workerLabel(worker: Worker): string {
  const pid = worker.pid === null ? "" : `pid ${worker.pid}, `;
  return `worker ${worker.slot} (${pid}generation ${worker.generation})`;
}

/** A worker as machines read it. */
export function workerLogFields(event: string, worker: Worker): Record<string, unknown> {
  const { slot, pid, generation } = worker;
  return { event, worker: slot, pid, generation };
}

/** Milliseconds as a person reads them: `48 ms`, `2.5 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
