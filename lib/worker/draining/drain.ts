/**
 * Runs in the worker. Ends servers without losing a request: stop accepting, answer with `Connection:
 * close` until no client is left or the time is over, and only then shut down.
 *
 * @module
 */

import type { LeavePace } from "../../protocol/client_limits.ts";
import { fulfilledWithin, pause } from "../../system/timing.ts";
import type { Activity } from "../connections/connection_times.ts";
import type { ClientConnection } from "../connections/client_connections.ts";
import { endEventStreams, type HasEventStreams } from "../connections/event_streams.ts";
import { instanceAccess } from "../instance.ts";
import type { Lingering } from "../operations.ts";
import { beginClosing } from "../connections/connection_close_rule.ts";

const currentInstance = instanceAccess();

/** What can be drained: the servers of one socket. */
export interface Drainable extends HasEventStreams {
  /** Leaves further connections in the queue. */
  stopAccepting(): void;
  /**
   * Ends the servers if nothing is lost with these clients, who are all that are left.
   *
   * @param over Those of them that have been idle for long enough, found just now.
   */
  endEarly?(clients: readonly ClientConnection[], over: ReadonlySet<ClientConnection>): void;
  /** What its clients are doing, see `Service.activity`; absent: nothing is known. */
  activity?(): ReadonlyMap<string, Activity> | null;
  /** Names the near end of its connections, see `listenerEnd`. */
  readonly near?: string;
  /** True if its connections have TLS. */
  readonly isSecure?: boolean;
  /** What its clients are doing, by the names of their connections: who is not among them is free. */
  doings?(): ReadonlyMap<string, Activity> | null;
  /** Ends in order what lasts as long as its clients like: WebSockets and event streams. */
  endLasting?(): void;
  /** Ends the servers, whatever their clients do. */
  end(): Promise<void>;
}

/** A wait for clients. */
export interface Wait {
  readonly served: readonly Drainable[];
  /** When it is over (monotonic ms). */
  readonly deadline: number;
  /** Whether it is over when those are left that stay as long as they like. */
  readonly onlyPassing: boolean;
  /** How the worker leaves; null: it stays. */
  readonly leave: Leave | null;
}

/** Share of the mercy, at its end, in which servers are shut down whatever their clients do. */
const LAST_CALL = 0.2;
/** But never more than this (5 s). */
const LONGEST_LAST_CALL_MS = 5_000;
/** Share of the last call, at its begin, in which event streams that were ended reach their clients. */
const STREAM_ENDS = 0.1;
/** How often clients are counted that nobody can do anything about (ms). */
const LOOK_MS = 50;
/** Share of the last call, at its end, that belongs to the way out: nobody should need SIGKILL. */
const WAY_OUT = 0.1;

/** How this worker leaves. */
export interface Leave {
  /** How fast it ends what its clients only keep. */
  readonly pace: LeavePace;
  /** When it is gone (monotonic ms). */
  readonly until: number;
}

let leave: Leave | null = null;

/** This worker leaves, at this pace, and is gone after so many milliseconds. */
export function beginLeave(pace: LeavePace, mercyMs: number): void {
  leave = { pace, until: performance.now() + mercyMs };
}

/** Waits for clients and takes leave of them; see `clients/take_leave.ts`. */
type LeaveTaker = (wait: Wait) => Promise<boolean>;

let leaveTaker: () => Promise<LeaveTaker | null> = () => Promise.resolve(null);

/** Called once there is what takes leave of clients: it is loaded when it is needed. */
export function useLeaveTaker(load: () => Promise<LeaveTaker | null>): void {
  leaveTaker = load;
}

/** How long something may take, in milliseconds: a worker that leaves has no longer than it lives. */
function within(ms: number): number {
  return leave === null ? ms : Math.max(0, Math.min(ms, leave.until - performance.now()));
}

/** Drains what is given within `mercyMs`. */
export async function drain(served: readonly Drainable[], mercyMs: number): Promise<void> {
  const mercy = within(mercyMs);
  const lastCall = Math.min(mercy * LAST_CALL, LONGEST_LAST_CALL_MS);
  const latest = performance.now() + mercy - lastCall * WAY_OUT;
  closeDoors(served);
  const inTime = await untilGone(served, latest - lastCall * (1 - WAY_OUT));
  // Clients of HTTP/2 may lose what is open when they are told to go.
  if (endEventStreams(served) > 0) {
    await untilGone(served, performance.now() + lastCall * STREAM_ENDS);
  }
  const deadline = inTime ? Math.min(latest, performance.now() + lastCall) : latest;
  const lingering = currentInstance().operations?.linger(idleAt(served)) ?? null;
  const ended = Promise.all(served.map((one) => one.end()));
  const released = untilReleased(lingering, deadline);
  // A timer that is left behind would keep a script alive that ends by itself when its servers have ended.
  const left = Math.max(0, deadline - performance.now());
  await fulfilledWithin(Promise.all([ended, released]), left);
}

/**
 * Lets the clients of servers go that somebody else ends afterwards: WebSockets and event streams stay, and
 * other requests have `mercyMs`.
 */
export async function letGo(served: readonly Drainable[], mercyMs: number): Promise<void> {
  const deadline = performance.now() + within(mercyMs);
  closeDoors(served);
  await untilGone(served, deadline, true);
}

/** True if those that are left have had the time that they were to have. */
async function untilGone(
  served: readonly Drainable[],
  deadline: number,
  onlyPassing = false,
): Promise<boolean> {
  if (currentInstance().operations === null) return false;
  if (countClients() === 0) return true;
  const taker = await leaveTaker();
  if (taker !== null) return await taker({ served, deadline, onlyPassing, leave });
  // It is no worker that has clients of its own, or what it takes could not be loaded, which was said.
  while (countClients() > 0 && performance.now() < deadline) await pause(LOOK_MS);
  return false;
}

function closeDoors(served: readonly Drainable[]): void {
  beginClosing();
  for (const one of served) one.stopAccepting();
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

async function untilReleased(lingering: Lingering | null, deadline: number): Promise<void> {
  while (lingering !== null && lingering.size > 0 && performance.now() < deadline) {
    lingering.poll();
    await pause(20);
  }
}
