/**
 * Runs in the worker. Ends servers without losing a request: stop accepting, answer with `Connection:
 * close` until no client is left or the time is over, and only then shut down.
 *
 * @module
 */

import { fulfilledWithin, pause } from "../system/timing.ts";
import type { Activity } from "./clients/judge.ts";
import type { ClientConnection } from "./connections.ts";
import { endEventStreams, type HasEventStreams } from "./event_streams.ts";
import { beginClosing } from "./http.ts";
import { instanceAccess } from "./instance.ts";
import type { Lingering } from "./operations.ts";

const currentInstance = instanceAccess();

/** What can be drained: the servers of one socket. */
export interface Drainable extends HasEventStreams {
  /** Leaves further connections in the queue. */
  stopAccepting(): void;
  /** Ends the servers if nothing is lost with these clients, who are all that are left. */
  endEarly?(clients: readonly ClientConnection[]): void;
  /** What its clients are doing, see {@linkcode Service.activity}; absent: nothing is known. */
  activity?(): ReadonlyMap<string, Activity> | null;
  /** Ends the servers, whatever their clients do. */
  end(): Promise<void>;
}

/** Share of the mercy, at its end, in which servers are shut down whatever their clients do. */
const LAST_CALL = 0.2;
/** But never more than this (5 s). */
const LONGEST_LAST_CALL_MS = 5_000;
/** Share of the last call, at its begin, in which event streams that were ended reach their clients. */
const STREAM_ENDS = 0.1;
/** Share of the last call, at its end, that belongs to the way out: nobody should need SIGKILL. */
const WAY_OUT = 0.1;

/** Drains what is given within `mercyMs`. */
export async function drain(served: readonly Drainable[], mercyMs: number): Promise<void> {
  const lastCall = Math.min(mercyMs * LAST_CALL, LONGEST_LAST_CALL_MS);
  const deadline = performance.now() + mercyMs - lastCall * WAY_OUT;
  beginClosing();
  for (const one of served) one.stopAccepting();
  const calledAt = deadline - lastCall * (1 - WAY_OUT);
  await untilNoClient(served, calledAt);
  // Clients of HTTP/2 may lose what is open when they are told to go.
  if (endEventStreams(served) > 0) await untilNoClient(served, calledAt + lastCall * STREAM_ENDS);
  const lingering = currentInstance().operations?.linger(idleAt(served)) ?? null;
  const ended = Promise.all(served.map((one) => one.end()));
  const released = untilReleased(lingering, deadline);
  // A timer that is left behind would keep a script alive that ends by itself when its servers have ended.
  const left = Math.max(0, deadline - performance.now());
  await fulfilledWithin(Promise.all([ended, released]), left);
}

/** Whether nothing is at work for a client, as far as servers know of their clients. */
function idleAt(served: readonly Drainable[]): (client: string) => boolean {
  const activities = served.map((one) => one.activity?.() ?? null);
  return (client) =>
    client !== "" &&
    activities.every((one) => one !== null && (one.get(client) ?? "free") === "free");
}

/** Number of connections that clients have with this process; 0 where that cannot be known. */
export function countClients(): number {
  return currentInstance().operations?.clients().length ?? 0;
}

/** Looks often at first, when most clients go, and less often at those that stay. */
async function untilNoClient(served: readonly Drainable[], deadline: number): Promise<void> {
  const { operations } = currentInstance();
  if (operations === null) return;
  let wait = 5;
  let before = Infinity;
  while (true) {
    const clients = operations.clients();
    const { length } = clients;
    for (const one of served) one.endEarly?.(clients);
    const left = deadline - performance.now();
    if (length === 0 || left <= 0) return;
    wait = length < before ? 5 : Math.min(wait * 1.2, 200);
    before = length;
    await pause(Math.min(wait, left));
  }
}

async function untilReleased(lingering: Lingering | null, deadline: number): Promise<void> {
  while (lingering !== null && lingering.size > 0 && performance.now() < deadline) {
    lingering.poll();
    await pause(20);
  }
}
