/**
 * Runs in the worker. What this worker has told its master about accepting, so that it can tell it
 * again.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { after } from "../system/timing.ts";
import { type ClientsWatch, loadedWatch, preloadedWatch } from "./clients/loaded_watch.ts";
import { lookAtOutputAgain } from "./logging/console_output.ts";
import { keepReserve, lendReserve } from "./descriptor_reserve.ts";
import { useLeaveTaker } from "./draining/drain.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { instanceAccess } from "./instance.ts";
import { lineSinks } from "./logging/line_sinks.ts";
import { instanceSockets } from "./serving/sockets.ts";

const currentInstance = instanceAccess();

let said: boolean | null = null;

let tookStderr = false;

/** Asks this worker's own server, and calls back when it has answered well; else the worker ends. */
export type Probe = (passed: () => void) => void;

let probe: Probe | null = null;
/** What the script has said last while the question is on its way; null: nobody is asked. */
let meant: boolean | null = null;

/** Called by the preload of workers that have to prove themselves before they accept. */
export function useProbe(ask: Probe): void {
  probe = ask;
}

/** What a script means by `accepting()`; the first time is the end of the start. */
export function setAccepting(on: boolean): void {
  if (probe === null) return accept(on);
  const asked = meant !== null;
  meant = on;
  if (asked) return;
  probe(() => {
    probe = null;
    accept(true);
    if (meant === false) sendAccepting(false);
  });
}

function accept(on: boolean): void {
  takeStderr();
  sendAccepting(on);
  startHeartbeat();
  watchClients();
}

/**
 * While a worker starts, its errors go through the master, which repeats the first line of a failed
 * start. From then on it writes to the master's own stderr itself, or, where the log is no plain text,
 * to a file in memory, from which its lines are taken.
 */
function takeStderr(): void {
  const { environment: { words, stderr }, facts: { log }, operations } = currentInstance();
  if (tookStderr || operations === null || stderr === null) return;
  tookStderr = true;
  const becomesLog = words !== null || log === null || log.log === null;
  if (becomesLog) operations.takeStderr();
  lookAtOutputAgain(becomesLog);
}

/** True while nothing accepts because the script has closed all of its servers. */
let closed = false;

/** Tells the master that this worker accepts, or does not. */
export function sendAccepting(on: boolean): void {
  said = on;
  closed = false;
  currentInstance().channel.send({ type: "accepting", on, covers: coversOthers() });
}

/** The script has closed all of its servers, or has opened one again: siblings accept for it meanwhile. */
export function tellServed(isServed: boolean): void {
  sendAccepting(isServed);
  closed = !isServed;
}

let aside = false;

/** This worker makes room for a successor, or takes its place again. */
export function noteStandby(on: boolean): void {
  aside = on;
}

/** True if the master takes this worker for one that accepts, or that is to accept again. */
function isToAccept(): boolean {
  return (said === true || closed) && !aside;
}

/** Tells it again: there is a new master, or a new control pipe. Nothing, if it never said anything. */
export function resendAccepting(): void {
  if (said !== null) sendAccepting(said);
}

/** True if this worker can also accept on the queues of other slots. */
function coversOthers(): boolean {
  return !instanceSockets().some((socket) => socket.excludesCovering);
}

/** It takes a module that a start does not wait for (1 s), unless clients have limits of their own. */
const WATCH_AFTER_MS = 1_000;

let watches = false;
let leaves = false;

/** From now on somebody looks at the clients. */
function watchClients(): void {
  const { environment: { slot }, operations } = currentInstance();
  if (watches || operations === null || slot === 0) return;
  watches = true;
  keepReserve();
  useLeaveTaker(leaveTaker);
  const watch = preloadedWatch();
  if (watch === null) after(WATCH_AFTER_MS, () => void loadWatch());
  else watch.begin(isToAccept);
}

async function loadWatch(): Promise<void> {
  // Clients may have taken all descriptors by now, and what failed to load once is not loaded again.
  lendReserve();
  try {
    const watch = await loadedWatch();
    if (!leaves) watch.begin(isToAccept);
  } catch (error) {
    const reason = errorText(error);
    const { slot } = currentInstance().environment;
    lineSinks().log(`Worker ${slot} does not watch its clients: ${reason}`);
  }
  keepReserve();
}

/** What waits for the clients of a worker that leaves; null: it could not be loaded. */
async function leaveTaker(): Promise<ClientsWatch["takeLeave"] | null> {
  if (preloadedWatch() === null) await loadWatch();
  const watch = preloadedWatch();
  return watch === null ? null : watch.takeLeave.bind(watch);
}

/** The worker leaves, and its clients are no longer counted. */
export function endWatch(): void {
  leaves = true;
  preloadedWatch()?.end();
}
