/**
 * Runs in the master. Looks up the numbers of hosts that log lines go to, once: workers never wait for
 * a name server.
 *
 * @module
 */

import { lookup } from "node:dns/promises";

const NUMERIC = /^[0-9.]+$|:/;

/**
 * The numbers by name.
 *
 * @throws {Error} If a name is unknown; the message names it.
 */
export async function lookUpHosts(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of names) found.set(name, NUMERIC.test(name) ? name : await lookUp(name));
  return found;
}

async function lookUp(name: string): Promise<string> {
  // An empty host is this machine, as in `:514`.
  if (name === "") return "127.0.0.1";
  try {
    return (await lookup(name)).address;
  } catch (cause) {
    throw new Error(`The host "${name}" is unknown: use a number`, { cause });
  }
}
