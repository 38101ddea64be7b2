/**
 * Runs in the worker. Gives the sockets of the instance to a script that listens by itself, one for each
 * server, and says `accepting()` for it.
 *
 * @module
 */

import { lineSinks } from "../line_sinks.ts";
import { after } from "../../system/timing.ts";
import { sayAccepting } from "../acceptance.ts";
import { instanceAccess } from "../instance.ts";
import type { InstanceSocket } from "../socket.ts";
import { instanceSockets } from "../sockets.ts";
import { type Asked, chooseSocket } from "./choose_socket.ts";

const currentInstance = instanceAccess();

/** The sockets that servers of the script got, by what they asked for. */
const given = new Map<string, InstanceSocket>();
const warned = new Set<string>();
let announced = false;

/** Where a server is to listen. */
export interface Given {
  readonly socket: InstanceSocket;
  /** True if a server that asked for the same has it already. */
  readonly again: boolean;
}

/**
 * The socket for something that the script opens.
 *
 * @param what What it calls, for messages: `Deno.serve`.
 * @returns null: none, so that it opens what it asked for; if need be, this was said.
 */
export function socketFor(what: string, asked: Asked): Given | null {
  if (currentInstance().usesModule) return null;
  const key = "port" in asked ? String(asked.port) : asked.path;
  const before = key === "0" ? undefined : given.get(key);
  if (before !== undefined) return { socket: before, again: true };
  const sockets = instanceSockets();
  const socket = sockets[chooseSocket(asked, sockets, currentInstance().facts.socketMap)];
  if (socket === undefined || socket.taken) {
    warnAbout(what, asked);
    return null;
  }
  given.set(key, socket);
  return { socket, again: false };
}

/** The sockets for the one server of a script that does not say where it listens: all that are left. */
export function freeSockets(): readonly InstanceSocket[] {
  if (currentInstance().usesModule) return [];
  return instanceSockets().filter(({ taken }) => !taken);
}

/** True once a server of the script has a socket. */
export function hasAdopted(): boolean {
  return instanceSockets().some(({ taken }) => taken);
}

/**
 * Something listens on a socket of the instance. The master is told at the end of the turn: a script that
 * fails right after has not accepted, and one that listens on several sockets has them all.
 */
export function announce(): void {
  if (announced) return;
  announced = true;
  after(0, () => sayAccepting(true));
}

/** Everything is said, but on these sockets nobody accepts. */
export function warnAboutIdleSockets(): void {
  if (!announced) return;
  const idle = freeSockets().map(({ address }) => address);
  if (idle.length === 0) return;
  const clients = idle.length === 1 ? "its clients wait" : "their clients wait";
  lineSinks().log(
    `Nothing in the script listens on ${idle.join(", ")}: ${clients} until something does. ` +
      "Remove the socket, or see socket-map",
  );
}

/** Once for each: what is opened by the workers themselves does not survive them. */
function warnAbout(what: string, asked: Asked): void {
  const place = "port" in asked ? `port ${asked.port}` : asked.path;
  if (("port" in asked && asked.port === 0) || warned.has(place)) return;
  warned.add(place);
  lineSinks().log(
    `${what} opens ${place} in the worker itself, because no socket of the instance is left for it: ` +
      "another worker, or the successor in a reload, finds it in use, and what waits in its queue is lost " +
      "with the worker. Configure a socket for it, such as " +
      `"${"port" in asked ? `http-socket = :${asked.port}` : `socket = ${asked.path}`}"`,
  );
}
