/**
 * Runs in the worker. Gives the sockets of the instance to a script that listens by itself, one for each
 * server, and says `accepting()` for it. A socket whose server was closed is free again.
 *
 * @module
 */

import { after, type Cancel } from "../../system/timing.ts";
import { setAccepting, tellServed } from "../acceptance.ts";
import { instanceAccess } from "../instance.ts";
import { workerLeaves } from "../leaving.ts";
import { lineSinks } from "../logging/line_sinks.ts";
import { followOccupancy, type InstanceSocket } from "../serving/socket.ts";
import { instanceSockets } from "../serving/sockets.ts";
import { isStandby } from "../standby.ts";
import { type Asked, chooseSocket, isSame } from "./choose_socket.ts";
import { type Call, listenAddressText, notListening, passedOn } from "./notices.ts";
import { otherListeners } from "./other_listeners.ts";

const currentInstance = instanceAccess();

/** Something of the script that listens. */
export interface Opening extends Call {
  /** The address without its port; null: all of them. */
  readonly host: string | null;
}

/** Where a server is to listen. */
export interface Given {
  readonly socket: InstanceSocket;
  /** What has it already: another server on the same port of another address; null: nothing has. */
  readonly sharedWith: Opening | null;
}

/** What every server gets that listens where one listens already: an error as without duwsgi. */
export const IN_USE = Symbol("in use");

/** Who got a socket most recently; it may be free again. */
const holders = new Map<InstanceSocket, Opening>();
const warned = new Set<string>();
/** What the script has opened by itself. */
const own: Call[] = [];
let announced = false;
let announcing = false;

/**
 * The socket for something that the script opens.
 *
 * @returns null: none, so that it opens what it asked for; if need be, this was said.
 */
export function socketFor(opening: Opening): Given | typeof IN_USE | null {
  const { usesModule, facts: { socketMap } } = currentInstance();
  if (usesModule) return null;
  const sockets = instanceSockets();
  const candidates = sockets.map((socket) => ({
    address: socket.address,
    holder: holderOf(socket)?.asked ?? null,
  }));
  const socket = sockets[chooseSocket(opening.asked, candidates, socketMap)];
  const before = socket === undefined ? null : holderOf(socket);
  if (socket !== undefined && before === null) {
    holders.set(socket, opening);
    return { socket, sharedWith: null };
  }
  const zero = "port" in opening.asked && opening.asked.port === 0;
  if (socket !== undefined && before !== null && !zero && isSame(before.asked, opening.asked)) {
    return isBoth(before.host, opening.host) ? IN_USE : { socket, sharedWith: before };
  }
  passOn(opening);
  return null;
}

/** The call opens what it asks for by itself: says so once for each, unless that is what it wants. */
export function passOn({ what, asked }: Call): void {
  own.push({ what, asked });
  const place = listenAddressText(asked);
  if (isSilent(asked) || warned.has(place)) return;
  warned.add(place);
  const sockets = instanceSockets().map((socket) => {
    const holder = holderOf(socket);
    const words = holder === null ? null : `${holder.what} on ${listenAddressText(holder.asked)}`;
    return { address: socket.address, holder: words };
  });
  lineSinks().log(passedOn({ what, asked }, sockets));
}

/** A port of the kernel's choice is in nobody's way, and a descriptor is what somebody has opened already. */
function isSilent(asked: Asked): boolean {
  return "descriptor" in asked || ("port" in asked && asked.port === 0);
}

/** True if somebody who listens at one address has the other one too. */
function isBoth(one: string | null, other: string | null): boolean {
  return one === other || one === null || other === null;
}

const NOBODY_KNOWN: Opening = { what: "the script", asked: { path: "its own way" }, host: null };

function holderOf(socket: InstanceSocket): Opening | null {
  return socket.taken ? holders.get(socket) ?? NOBODY_KNOWN : null;
}

/** The sockets that nothing of the script has now: those that it never had, and those that it has closed. */
export function freeSockets(): readonly InstanceSocket[] {
  if (currentInstance().usesModule) return [];
  return instanceSockets().filter(({ taken }) => !taken);
}

/** True while a server of the script has a socket. */
export function hasAdopted(): boolean {
  return instanceSockets().some(({ taken }) => taken);
}

/**
 * Something listens on a socket of the instance. The master is told at the end of the turn: a script that
 * fails right after has not accepted, one that listens on several sockets has them all, and one that has only
 * looked whether a port is free has not begun.
 */
export function announce(): void {
  if (announced || announcing) return;
  announcing = true;
  after(0, () => {
    announcing = false;
    if (!hasAdopted()) return;
    announced = true;
    setAccepting(true);
    followOccupancy(tellLater);
  });
}

/** A script that opens anew what it closes is not worth a word (100 ms). */
const SETTLED_MS = 100;
let settling: Cancel | null = null;

/** While nothing accepts here, other workers can accept for this one. */
function tellLater(): void {
  if (settling !== null) return;
  settling = after(SETTLED_MS, () => {
    settling = null;
    if (!workerLeaves() && !isStandby()) tellServed(hasAdopted());
  });
}

/** How long a script may take behind its top level until it is said that it does not listen yet (5 s). */
const EXPLAINED_AFTER_MS = 5_000;
/** The share of `start-timeout` after which it is said in any case. */
const EXPLAINED_AFTER = 0.5;

let explained = false;

/** The script begins: a start that fails because it takes too long is not to fail without a word. */
export function watchStart(): void {
  after(currentInstance().facts.startTimeoutMs * EXPLAINED_AFTER, explain);
}

/** The top level of the script is done: says what is missing, now or later. */
export function sayWhatIsMissing(): void {
  if (announced || announcing) warnAboutIdleSockets();
  else after(EXPLAINED_AFTER_MS, explain);
}

function explain(): void {
  if (explained || announced || currentInstance().usesModule || workerLeaves()) return;
  explained = true;
  const addresses = instanceSockets().map(({ address }) => address);
  lineSinks().log(notListening(addresses, own, otherListeners(addresses, own)));
}

/** Everything is said, but on these sockets nobody accepts. */
function warnAboutIdleSockets(): void {
  const idle = freeSockets().map(({ address }) => address);
  if (idle.length === 0) return;
  const clients = idle.length === 1 ? "its clients wait" : "their clients wait";
  lineSinks().log(
    `Nothing in the script listens on ${idle.join(", ")}: ${clients} until something does. ` +
      "Remove the socket, or see socket-map",
  );
}
