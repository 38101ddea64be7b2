/**
 * What the log says of a script that listens by itself and does not get a socket. Pure.
 *
 * @module
 */

import { type Asked, hasAddress } from "./choose_socket.ts";

/** A socket of the instance, and what has it. */
export interface Taken {
  readonly address: string;
  /** For example `Deno.serve on port 3000`; null: nothing has it. */
  readonly holder: string | null;
}

/** A call that listens. */
export interface Call {
  /** What the script calls: `Deno.serve`. */
  readonly what: string;
  readonly asked: Asked;
}

/** Where somebody wants to listen, in words. */
export function listenAddressText(asked: Asked): string {
  if ("descriptor" in asked) return `descriptor ${asked.descriptor}`;
  return "port" in asked ? `port ${asked.port}` : asked.path.replace(/^\0/, "@");
}

/** What is said of a call that opens what it asks for by itself. */
export function passedOn({ what, asked }: Call, sockets: readonly Taken[]): string {
  const place = listenAddressText(asked);
  const same = sockets.find(({ address }) => hasAddress(address, asked));
  if (same !== undefined) {
    return `${what} asks for ${place}, but ${same.holder ?? "socket-map"} has the socket ` +
      `${same.address}: let one of the two listen elsewhere, or see socket-map`;
  }
  return `${what} opens ${place} in the worker itself, because ${reasonFor(asked, sockets)}: ` +
    "another worker, or the successor in a reload, finds it in use, and what waits in its queue is lost " +
    `with the worker. ${adviceFor(asked, sockets)}`;
}

function reasonFor(asked: Asked, sockets: readonly Taken[]): string {
  const free = sockets.some(({ holder }) => holder === null);
  if ("path" in asked && free) return "only socket-map gives a TCP socket to a path";
  const all = sockets.flatMap(({ address, holder }) =>
    holder === null ? [] : [`${address} is with ${holder}`]
  );
  const known = all.length === 0 ? "" : ` (${all.join(", ")})`;
  return `no socket of the instance is left for it${known}`;
}

function adviceFor(asked: Asked, sockets: readonly Taken[]): string {
  const option = "port" in asked
    ? `http-socket = :${asked.port}`
    : `socket = ${listenAddressText(asked)}`;
  const configured = `configure a socket for it, such as "${option}"`;
  const advice = "port" in asked
    ? `Let socket-map say which call gets which, or ${configured}`
    : configured.replace(/^c/, "C");
  const free = sockets.findIndex(({ holder }) => holder === null);
  return "path" in asked && free >= 0
    ? `If its clients are those of ${
      sockets[free]?.address
    }, write "socket-map = ${asked.path} => ${free}". ${advice}`
    : advice;
}

/**
 * What is said when a script has not listened on a socket of the instance some time after its top level.
 *
 * @param calls What it has opened by itself.
 * @param others Where something else in the process listens, as far as that can be known.
 */
export function notListening(
  addresses: readonly string[],
  calls: readonly Call[],
  others: readonly string[],
): string {
  const own = calls.map(({ what, asked }) =>
    `${what} has opened ${listenAddressText(asked)} by itself`
  );
  const threads = others.map((address) => `a thread listens on ${address}`);
  const seen = [...own, ...threads];
  const zero = calls.some(({ asked }) => "port" in asked && asked.port === 0);
  const hints = [
    ...zero ? ['"socket-map = 0 => 0" gives the first socket to port 0'] : [],
    "threads (Worker, worker_threads) and child processes get no sockets: listen in the main thread, and let " +
    "processes = N be the number of workers",
  ];
  return `Nothing in the script's main thread listens on ${addresses.join(", ")} yet` +
    `${seen.length === 0 ? "" : ` (${seen.join(", ")})`}: ${hints.join("; ")}`;
}
