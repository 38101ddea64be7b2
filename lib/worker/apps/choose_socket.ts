/**
 * Which socket of the instance a script gets that listens by itself. Pure.
 *
 * @module
 */

import type { SocketRule } from "../../protocol/worker_environment.ts";

/** Where a script wants to listen; `descriptor`: on something that it believes to have inherited. */
export type Asked =
  | { readonly port: number }
  | { readonly path: string }
  | { readonly descriptor: number };

/** A socket of the instance, as far as the choice depends on it. */
export interface Candidate {
  /** As an operator writes it. */
  readonly address: string;
  /** What the script has asked for that has this socket now; null: it is free. */
  readonly holder: Asked | null;
}

/**
 * The socket for what is asked: the one that a rule names, else the one that has been given to this very port
 * or path, else the one with that port or path as its address, else the first one that is free and that no
 * rule keeps for something else.
 *
 * Nothing but a rule gives a socket to port 0, which is a server's whose address is told to somebody, or a TCP
 * socket to a path, which is one for other processes of the machine.
 *
 * @returns Its index, possibly of a socket that is taken; -1: there is none.
 */
export function chooseSocket(
  asked: Asked,
  sockets: readonly Candidate[],
  rules: readonly SocketRule[],
): number {
  const wanted = "port" in asked ? asked.port : "path" in asked ? asked.path : null;
  const rule = rules.find((one) => one.asked === wanted);
  if (rule !== undefined) return rule.socket < sockets.length ? rule.socket : -1;
  if (wanted === 0) return -1;
  const given = sockets.findIndex(({ holder }) => holder !== null && isSame(holder, asked));
  if (given >= 0) return given;
  const same = sockets.findIndex(({ address }) => hasAddress(address, asked));
  if (same >= 0) return same;
  return sockets.findIndex(({ address, holder }, i) =>
    holder === null && suits(address, asked) && rules.every(({ socket }) => socket !== i)
  );
}

/** True if both ask for the same port or path. */
export function isSame(one: Asked, other: Asked): boolean {
  if ("port" in one) return "port" in other && one.port === other.port;
  return "path" in one && "path" in other && one.path === other.path;
}

/** True if this is the address of what is asked for. */
export function hasAddress(address: string, asked: Asked): boolean {
  const port = portIn(address);
  if ("path" in asked) return port === null && address === asked.path.replace(/^\0/, "@");
  return "port" in asked && asked.port !== 0 && port === asked.port;
}

function suits(address: string, asked: Asked): boolean {
  return !("path" in asked) || portIn(address) === null;
}

/** The port of a TCP address as an operator writes it; null: it is a Unix socket's. */
export function portIn(address: string): number | null {
  const port = /^[^@/].*:(\d+)$/.exec(address)?.[1];
  return port === undefined ? null : Number(port);
}
