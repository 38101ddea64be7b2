/**
 * Runs in the worker. Ends the idle connections of a worker that leaves, and tells what the others are doing.
 *
 * @module
 */

import type { LeavePace } from "../../protocol/client_limits.ts";
import { COUNT_AT } from "../../shared_memory/counters.ts";
import {
  type ClientConnection,
  type ClientSockets,
  LINGER_MS,
} from "../connections/client_connections.ts";
import { instanceAccess } from "../instance.ts";
import { type Activity, idleFor } from "../connections/connection_times.ts";
const currentInstance = instanceAccess();

/** So many connections are ended at one look: to find out how they are registered costs the more, the more there are. */
const MOST_AT_ONCE = 1_024;

/** The connections with one near end. */
export interface Near {
  /** What their clients are doing, by their names: who is not among them is free; null: it is not known. */
  readonly doings: ReadonlyMap<string, Activity> | null;
  /** True if only their server can end them in order, because they have TLS (RFC 8446, 6.1). */
  readonly isSecure: boolean;
}

/** The connections that are looked at, by their near ends. */
export type Nears = ReadonlyMap<string, Near>;

/** What is left of the clients of a worker that leaves, in connections. */
export interface Remaining {
  /** A request is at work, or has begun to come. */
  readonly requests: number;
  /** It waits for a request, or for its client's end. */
  readonly idle: number;
  /** It is a WebSocket, or an event stream. */
  readonly lasting: number;
  /** When the last of the idle ones will have ended, in milliseconds from now, if it stays idle. */
  readonly idleMs: number;
  /** Those that have been idle for long enough, and that only their server can end. */
  readonly over: ReadonlySet<ClientConnection>;
  /** How many more looks it takes to end those that have been idle for long enough. */
  readonly looks: number;
}

/** How long a connection that was ended may wait for its client's end, where a worker leaves this fast. */
export function lingerMs({ idleMs }: LeavePace): number {
  return Math.min(Math.max(idleMs / 3, LINGER_MS / 4), LINGER_MS);
}

/**
 * How long to rest between two looks at connections, the first of which took `tookMs`: a fifth of the time is
 * enough for looking, and half of it while there are connections to be ended.
 */
export function restMs(tookMs: number, looks: number): number {
  return tookMs * (looks > 0 ? 1 : 4);
}

/** Ends the idle connections of this worker. */
export class IdleEnder {
  readonly #sockets: ClientSockets;
  /** Since when no request has come, and how many had come before. */
  #quiet = { since: performance.now(), requests: requestsSoFar() };
  #ended = 0;

  /** Takes what ends connections. */
  constructor(sockets: ClientSockets) {
    this.#sockets = sockets;
  }

  /** How many connections were ended. */
  get ended(): number {
    return this.#ended;
  }

  /** On how many of them a request came too late. */
  get crossed(): number {
    return this.#sockets.crossed;
  }

  /** The connections that were not ended. */
  others(clients: readonly ClientConnection[]): readonly ClientConnection[] {
    return clients.filter((one) => !this.#sockets.isEnded(one));
  }

  /** Looks at connections, which were listed just now, and ends those that have been idle for long enough. */
  look(clients: readonly ClientConnection[], nears: Nears, pace: LeavePace): Remaining {
    this.#sockets.closeEnded();
    this.#listen(nears);
    const linger = lingerMs(pace);
    const over = new Set<ClientConnection>();
    const ending: ClientConnection[] = [];
    const left = { requests: 0, idle: this.#sockets.lingering, lasting: 0, idleMs: linger };
    let later = 0;
    for (const one of this.others(clients)) {
      const near = nears.get(one.near);
      const doings = near?.doings ?? null;
      const activity = doings === null ? null : doings.get(one.client) ?? "free";
      const idle = activity === null ? null : this.#idleFor(one, activity);
      if (activity === "lasting") left.lasting += 1;
      else if (idle === null) left.requests += 1;
      else {
        left.idle += 1;
        left.idleMs = Math.max(left.idleMs, pace.idleMs - idle + linger);
        if (idle < pace.idleMs) continue;
        if (near?.isSecure === true) over.add(one);
        else if (ending.length < MOST_AT_ONCE) ending.push(one);
        else later += 1;
      }
    }
    this.#end(ending, linger);
    return { ...left, over, looks: Math.ceil(later / MOST_AT_ONCE) };
  }

  #end(clients: readonly ClientConnection[], linger: number): void {
    if (clients.length === 0) return;
    const before = this.#sockets.lingering;
    this.#sockets.end(clients, linger);
    this.#ended += this.#sockets.lingering - before;
  }

  /** How long it has been idle; null: it is not. */
  #idleFor(one: ClientConnection, activity: Activity): number | null {
    const traffic = this.#sockets.traffic(one);
    if (traffic !== null) return idleFor({ activity, traffic });
    // The kernel tells nothing of the traffic on Unix sockets, and their clients have no names: there it is
    // known whether any of them has asked for something.
    return activity === "free" ? performance.now() - this.#quiet.since : null;
  }

  #listen(nears: Nears): void {
    const requests = requestsSoFar();
    const isQuiet = requests === this.#quiet.requests &&
      currentInstance().processRow.get("inFlight") === 0 &&
      [...nears.values()].every(({ doings }) => (doings?.get("") ?? "free") === "free");
    if (!isQuiet) this.#quiet = { since: performance.now(), requests };
  }
}

function requestsSoFar(): number {
  return currentInstance().processRow.counters[COUNT_AT.requests] ?? 0;
}
