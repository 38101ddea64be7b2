/**
 * Runs in the worker. How a worker leaves: its script decides if it wants to (a handler registered
 * with `on_reload`, or a signal handler of its own); else it stops accepting, finishes what it has,
 * and exits.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { pause } from "../system/timing.ts";
import { endWatch } from "./acceptance.ts";
import { spendReserve } from "./descriptor_reserve.ts";
import type { LeavePace } from "../protocol/client_limits.ts";
import { beginLeave, countClients, drain, letGo } from "./draining/drain.ts";
import { instanceAccess } from "./instance.ts";
import { noteLeaving, workerLeaves } from "./leaving.ts";
import { lineSinks } from "./logging/line_sinks.ts";
import { detachSockets, stopAllQueues } from "./draining/accept_control.ts";
import { handledByScript, LEAVE_SIGNALS, type LeaveSignal } from "./signals.ts";
import type { InstanceSocket } from "./serving/socket.ts";
import { isStandby, retireFromStandby } from "./standby.ts";

const currentInstance = instanceAccess();

/**
 * Why the worker leaves; `master-gone`: its control pipe ended; `signal`: somebody sent the worker
 * itself a signal.
 */
export type LeaveCause = "reload" | "stop" | "scaled-down" | "master-gone" | "signal";

/** What a handler registered with `uwsgi.on_reload` is told. */
export interface Retirement {
  /** Why the worker is to leave. */
  readonly reason: LeaveCause;
  /** Milliseconds until it is killed. */
  readonly mercy_ms: number;
}

/** Decides how this worker leaves; the process exits when it is done. */
export type ReloadHandler = (retirement: Retirement) => void | Promise<void>;

/** The share of the mercy after which a script that handles signals itself gets its signal in any case. */
const SIGNAL_AFTER = 0.5;

/** How long the master may take to kill a worker when its mercy is over (500 ms). */
const INSISTING_MS = 500;

let handler: ReloadHandler | null = null;

/** Registers the script's own way of leaving. */
export function setReloadHandler(chosen: ReloadHandler): void {
  handler = chosen;
}

/**
 * Leaves within `mercyMs`. Further calls change nothing.
 *
 * @param closing Addresses of sockets that nobody serves after this worker.
 */
export async function retire(
  cause: LeaveCause,
  mercyMs: number,
  sockets: readonly InstanceSocket[],
  closing: readonly string[] = [],
): Promise<void> {
  if (!begin(cause, mercyMs)) return;
  try {
    await retireInOrder(cause, mercyMs, sockets, closing);
  } catch (error) {
    const reason = errorText(error);
    const { slot } = currentInstance().environment;
    lineSinks().log(`Worker ${slot} cannot leave in order (${cause}): ${reason}`);
    await leave(cause);
  }
}

async function retireInOrder(
  cause: LeaveCause,
  mercyMs: number,
  sockets: readonly InstanceSocket[],
  closing: readonly string[],
): Promise<void> {
  if (handler !== null) {
    await handler({ reason: cause, mercy_ms: mercyMs });
    return leave(cause);
  }
  const signal = signalFor(cause);
  const { usesModule } = currentInstance();
  if (signal !== null && usesModule) return Deno.kill(Deno.pid, signal);
  const served = sockets.filter((socket) => socket.served !== null);
  await leaveToOthers(cause, served, closing);
  const services = served.flatMap((socket) => socket.served ?? []);
  if (signal === null) {
    await drain(services, mercyMs);
    return leave(cause);
  }
  // What scripts do about a signal ends connections that have no request yet, or none now: none is to be left.
  if (services.length > 0) await letGo(services, mercyMs * SIGNAL_AFTER);
  Deno.kill(Deno.pid, signal);
}

/** The start fails: the master repeats the line. */
export function failStart(problem: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`error: ${problem}\n`));
  Deno.exit(1);
}

/** Whoever accepts from now on, this worker does not. */
async function leaveToOthers(
  cause: LeaveCause,
  served: readonly InstanceSocket[],
  closing: readonly string[],
): Promise<void> {
  if (cause === "stop" || cause === "master-gone") {
    retireFromStandby(true);
    return await detachSockets(served.map((socket) => socket.fd));
  }
  if (isStandby()) retireFromStandby(false);
  else stopAllQueues(closing);
  const last = served.filter(({ address }) => closing.includes(address));
  if (last.length > 0) await detachSockets(last.map(({ fd }) => fd), closing);
}

/**
 * True if the script wants to decide itself how this worker leaves: then it cannot leave halfway. A script that
 * listens by itself learns of it last, see {@linkcode retire}.
 */
export function leavesItsOwnWay(): boolean {
  if (handler !== null) return true;
  return currentInstance().usesModule && signalFor("reload") !== null;
}

/**
 * Somebody sent this worker a signal that the script handles by itself, and it leaves as it likes. A
 * signal that it sent itself, because the master wants it gone, changes nothing.
 */
export function leaveToScript(mercyMs: number): void {
  begin("signal", mercyMs);
}

/** False if this worker is leaving already. */
function begin(cause: LeaveCause, mercyMs: number): boolean {
  if (workerLeaves()) return false;
  noteLeaving();
  endWatch();
  spendReserve();
  beginLeave(paceOf(cause), mercyMs);
  // Whoever decides how it goes: it goes, also when there is no master left to insist. One that is there kills
  // it before, and ends what it has started.
  const most = cause === "master-gone" ? mercyMs : mercyMs + INSISTING_MS;
  Deno.unrefTimer(setTimeout(() => leave(cause), most));
  // At once, however long it takes: a master that did not ask for it starts the successor now.
  currentInstance().channel.send({ type: "draining", connections: clientsNow() });
  return true;
}

/** For the log: whoever cannot count them leaves nevertheless. */
function clientsNow(): number {
  try {
    return countClients();
  } catch {
    return 0;
  }
}

/** Without a successor nobody waits for clients that only keep their connections. */
function paceOf(cause: LeaveCause): LeavePace {
  const { leave: { stop, reload } } = currentInstance().facts.clients;
  return cause === "stop" || cause === "master-gone" ? stop : reload;
}

/** uWSGI tells workers with SIGHUP to reload and with SIGINT to stop; a script may handle either. */
function signalFor(cause: LeaveCause): LeaveSignal | null {
  if (cause === "signal") return null;
  const first: LeaveSignal = cause === "reload" ? "SIGHUP" : "SIGINT";
  return [first, ...LEAVE_SIGNALS].find(handledByScript) ?? null;
}

async function leave(cause: LeaveCause): Promise<void> {
  const { channel } = currentInstance();
  // What waits for a server's `finished` gets its turn before the process ends.
  await pause(0);
  await channel.flush();
  if (cause === "master-gone") removeLeftovers();
  Deno.exit(0);
}

/** True as long as the process lives that this one was started by, see `death_watch.ts`. */
export function isMasterThere(): boolean {
  return Deno.ppid === currentInstance().environment.masterPid;
}

/** The master could not remove its own directory any more. While it lives, that is its own. */
function removeLeftovers(): void {
  if (isMasterThere()) return;
  try {
    currentInstance().removeLeftovers();
  } catch {
    // A sibling was faster, or may and this worker may not: nothing that anybody waits for.
  }
}
