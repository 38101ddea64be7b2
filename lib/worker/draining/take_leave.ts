/**
 * Runs in the worker. Waits until the clients of a worker that leaves have gone, and ends what they only keep:
 * connections that are idle, and in time WebSockets and event streams.
 *
 * @module
 */

import type { LeavePace } from "../../protocol/client_limits.ts";
import { pause } from "../../system/timing.ts";
import { type IdleEnder, type Near, type Nears, type Remaining, restMs } from "./idle_ender.ts";
import type { ClientConnection } from "../connections/client_connections.ts";
import type { Wait } from "./drain.ts";
import { instanceAccess } from "../instance.ts";
import { lineSinks } from "../logging/line_sinks.ts";

const currentInstance = instanceAccess();

/** The pauses between two looks: short ones while clients go, longer ones for those that stay (ms). */
const [SHORT_MS, LONG_MS] = [5, 200];
/** Idle connections are looked at this often, at most (ms). */
const IDLE_LOOK_MS = 50;
/** After this time the master is told who is waited for, and again when that has changed (1 s). */
const TELL_MS = 1_000;
/** How long WebSockets and event streams that were ended may take for it (1 s). */
const LASTING_END_MS = 1_000;

/**
 * Waits for clients to go.
 *
 * @returns True if those that are left have had the time that they were to have.
 */
export async function takeLeave(ender: IdleEnder, what: Wait): Promise<boolean> {
  const { operations } = currentInstance();
  const { served, deadline } = what;
  const wait = new ClientWait(ender, what);
  let ms = SHORT_MS;
  let before = Infinity;
  while (true) {
    const began = performance.now();
    const clients = ender.others(operations?.clients() ?? []);
    const end = wait.look(clients);
    for (const one of served) one.endEarly?.(clients, wait.over);
    if (end !== null) return end === "in time";
    ms = clients.length < before ? SHORT_MS : Math.min(ms * 1.2, LONG_MS);
    before = clients.length;
    // However many there are, requests have the larger part of the time.
    const now = performance.now();
    const rest = Math.max(ms, wait.restMs(now - began));
    await pause(Math.max(0, Math.min(rest, deadline - now)));
  }
}

const NONE: ReadonlySet<ClientConnection> = new Set();

/** One wait for clients. */
class ClientWait {
  readonly #ender: IdleEnder;
  readonly #wait: Wait;
  readonly #since = performance.now();
  readonly #pace: LeavePace;
  #left: Remaining | null = null;
  #nextLook = 0;
  #nextTell: number;
  #told = "";
  /** How long it has taken at most from one look to the next while connections were ended. */
  #roundMs = 0;

  constructor(ender: IdleEnder, wait: Wait) {
    this.#ender = ender;
    this.#wait = wait;
    this.#nextTell = this.#since + TELL_MS;
    // A script that ends a server while its worker stays waits for it, as at a stop.
    const { idleMs } = currentInstance().facts.clients.leave.stop;
    this.#pace = wait.leave?.pace ?? { idleMs, lastingMs: null };
  }

  /** The connections that have been idle for long enough, and that their servers have to end. */
  get over(): ReadonlySet<ClientConnection> {
    return this.#left?.over ?? NONE;
  }

  /** How long to rest, where listing connections and looking at them took so long. */
  restMs(tookMs: number): number {
    this.#roundMs = Math.max(this.#roundMs, tookMs * 2);
    return restMs(tookMs, this.#left?.looks ?? 0);
  }

  /** Null: the wait goes on. */
  look(clients: readonly ClientConnection[]): "in time" | "late" | null {
    const now = performance.now();
    if (now >= this.#wait.deadline) return this.#end("late");
    if (clients.length === 0 && (this.#left?.idle ?? 0) === 0) return this.#end("in time");
    if (now < this.#nextLook) return null;
    this.#left = this.#ender.look(clients, this.#nears(clients), this.#pace);
    const { requests, idle, lasting } = this.#left;
    this.#nextLook = now + IDLE_LOOK_MS;
    if (requests + idle + lasting === 0) return this.#end("in time");
    const { lastingMs } = this.#pace;
    const overdueMs = lastingMs === null ? -Infinity : now - this.#since - lastingMs;
    if (overdueMs >= 0) { for (const one of this.#wait.served) one.endLasting?.(); }
    const onlyLasting = requests + idle === 0;
    if (onlyLasting && (this.#wait.onlyPassing || overdueMs >= LASTING_END_MS)) {
      return this.#end("in time");
    }
    this.#tell(this.#left, now);
    return null;
  }

  #nears(clients: readonly ClientConnection[]): Nears {
    // However many sockets there are: what nobody is connected with is not asked.
    const present = new Set(clients.map(({ near }) => near));
    const nears = new Map<string, Near>();
    for (const one of this.#wait.served) {
      const { near, isSecure = false } = one;
      if (near === undefined || !present.has(near)) continue;
      const doings = one.doings?.() ?? null;
      const other = nears.get(near);
      // Sockets with the same port at different addresses have clients with different names.
      const isKnown = other?.doings !== null && doings !== null;
      nears.set(near, {
        doings: isKnown ? new Map([...other?.doings ?? [], ...doings]) : null,
        isSecure: isSecure || other?.isSecure === true,
      });
    }
    return nears;
  }

  /** The master knows who is waited for, and how long at most. */
  #tell({ requests, idle, lasting, idleMs, looks }: Remaining, now: number): void {
    const { leave } = this.#wait;
    if (leave === null || now < this.#nextTell) return;
    const told = JSON.stringify([requests, idle, lasting]);
    if (told === this.#told) return;
    this.#told = told;
    this.#nextTell = now + TELL_MS;
    const { lastingMs } = this.#pace;
    const lastingLeft = lastingMs === null
      ? Infinity
      : this.#since + lastingMs - now + LASTING_END_MS;
    const most = Math.max(
      requests > 0 ? Infinity : 0,
      idle > 0 ? idleMs + looks * this.#roundMs : 0,
      lasting > 0 ? lastingLeft : 0,
    );
    const leftMs = Math.max(0, Math.min(most, leave.until - now));
    currentInstance().channel.send({ type: "waiting", requests, idle, lasting, leftMs });
  }

  #end(how: "in time" | "late"): "in time" | "late" {
    const { ended, crossed } = this.#ender;
    if (crossed > 0) {
      const { slot } = currentInstance().environment;
      const which = crossed === 1 ? "a request came" : `${crossed} requests came`;
      lineSinks().log(
        `Worker ${slot} has ended ${ended} idle connections, and on them ${which} too late: ` +
          "their clients have to send again (keepalive-reload-mercy, keepalive-stop-mercy)",
      );
    }
    return how;
  }
}
