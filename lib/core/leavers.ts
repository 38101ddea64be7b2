/**
 * For whom the master waits: the clients of workers that leave.
 *
 * @module
 */

import { hasLeavingOldGeneration } from "./worker_lifecycle.ts";
import type { MasterState, WaitingClients, Worker } from "./state.ts";
import { duration, logLine, type StepContext } from "./step_context.ts";

/** Between two lines about it (10 s). */
const PERIOD_MS = 10_000;
/** The first line waits for what other workers say of their clients (100 ms). */
const GATHER_MS = 100;

/** What a worker says of its clients. It is not believed: it has no longer than its deadline. */
export function noteWaiting(
  { state, at }: StepContext,
  worker: Worker,
  { leftMs, ...clients }: Omit<WaitingClients, "until"> & { readonly leftMs: number },
): void {
  if (worker.state !== "retiring") return;
  const { requests, idle, lasting } = clients;
  const until = Math.min(at + Math.max(0, leftMs), worker.deadline ?? Infinity);
  worker.waitsFor = { requests, idle, lasting, until };
  state.waitLineAt ??= at + GATHER_MS;
}

/** Who waits for clients is told so, now and then. */
export function tellWaiting(context: StepContext): void {
  const { state, at } = context;
  if (state.waitLineAt === null || at < state.waitLineAt) return;
  const text = waitingFor(state, at);
  state.waitLineAt = text === null ? null : at + PERIOD_MS;
  const isStopping = state.phase === "stopping";
  if (
    text === null || (!isStopping && (state.queued === null || !hasLeavingOldGeneration(context)))
  ) return;
  const pids = waiting(state).map(({ pid }) => pid).join(" ");
  const whole = isStopping
    ? `Waiting for ${text}; a second stop (Ctrl-C, SIGTERM) ends it now`
    : `The next reload waits for ${text}; kill -KILL ${pids} ends it now`;
  logLine(context, "info", whole, { event: "waiting" });
}

/** For whom, and how long at most: `1 idle connection of worker 1, 1.5 s at most`; null: nobody. */
export function waitingFor(state: MasterState, at: number): string | null {
  const workers = waiting(state);
  if (workers.length === 0) return null;
  const until = Math.max(...workers.map(({ waitsFor }) => waitsFor?.until ?? 0));
  const parts = workers.map(({ slot, waitsFor }) => `${clientsIn(waitsFor)} of worker ${slot}`);
  return `${parts.join(", ")}, ${duration(Math.max(0, until - at))} at most`;
}

function waiting({ workers }: MasterState): Worker[] {
  return workers.filter(({ state, waitsFor }) => state === "retiring" && waitsFor !== null);
}

function clientsIn(clients: WaitingClients | null): string {
  const { requests = 0, idle = 0, lasting = 0 } = clients ?? {};
  const counts = [
    [requests, "request"],
    [idle, "idle connection"],
    [lasting, "WebSocket or event stream"],
  ] as const;
  const parts = counts.flatMap(([count, what]) =>
    count === 0 ? [] : [`${count} ${plural(what, count)}`]
  );
  return parts.length === 0 ? "the end" : parts.join(" and ");
}

function plural(what: string, count: number): string {
  if (count === 1) return what;
  return what === "WebSocket or event stream" ? "WebSockets or event streams" : `${what}s`;
}
