/**
 * Which socket of the instance a script gets that listens by itself. Pure.
 *
 * @module
 */

import type { SocketRule } from "../../protocol/worker_environment.ts";

/** Where a script wants to listen. */
export type Asked = { readonly port: number } | { readonly path: string };

/** A socket of the instance, as far as the choice depends on it. */
export interface Candidate {
  /** As an operator writes it. */
  readonly address: string;
  /** True if the script has something on it already. */
  readonly taken: boolean;
}

/**
 * The socket for what is asked: the one that a rule names, else the one with that very port or path, else
 * the first one that is free and that no rule keeps for something else.
 *
 * @returns Its index, possibly of a socket that is taken; -1: there is none.
 */
export function chooseSocket(
  asked: Asked,
  sockets: readonly Candidate[],
  rules: readonly SocketRule[],
): number {
  const wanted = "port" in asked ? asked.port : asked.path;
  const rule = rules.find((one) => one.asked === wanted);
  if (rule !== undefined) return rule.socket < sockets.length ? rule.socket : -1;
  const same = sockets.findIndex(({ address }) => isSame(address, asked));
  if (same >= 0) return same;
  return sockets.findIndex(({ taken }, i) => !taken && rules.every(({ socket }) => socket !== i));
}

function isSame(address: string, asked: Asked): boolean {
  const port = /:(\d+)$/.exec(address)?.[1];
  if ("path" in asked) return port === undefined && address === asked.path.replace(/^\0/, "@");
  return asked.port !== 0 && port !== undefined && Number(port) === asked.port;
}
