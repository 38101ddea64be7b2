/**
 * Reloads a peer under load, and counts what becomes of the requests meanwhile.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import { askAddress } from "./ask.ts";
import type { BackgroundLoad } from "./background_load.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { descendants, lives } from "./process_tree.ts";
import { deno, now, Started } from "./servers.ts";

const LOAD = fromFileUrl(new URL("./background_load.ts", import.meta.url));
/** Between two reloads, so that the new workers are loaded as the old ones were. */
const REST_MS = 1_000;
/** How long one reload may take. */
const PATIENCE_MS = 30_000;
/** How often the old processes are looked at. */
const LOOK_MS = 10;

/** What reloads under load found. */
export interface Reloads {
  /** How long each one took, in milliseconds. */
  readonly ms: readonly number[];
  readonly load: BackgroundLoad;
  /** Why there were no more; null: there were as many as wanted. */
  readonly problem: string | null;
}

/** Reloads so many times, one after the other; begins no further one after `mostSeconds`. */
export async function reloadUnderLoad(
  peer: RunningPeer,
  count: number,
  mostSeconds: number,
): Promise<Reloads> {
  await using load = new Started({ command: deno("run", "-A", LOAD, peer.address) });
  await load.find("Load", (line) => line === "Loading" || null);
  const ms: number[] = [];
  const end = now() + mostSeconds * 1000;
  let problem: string | null = null;
  await pause(REST_MS);
  while (ms.length < count && problem === null) {
    try {
      ms.push(await timeReload(peer));
      await pause(REST_MS);
      if (now() > end && ms.length < count) problem = `only ${ms.length} in ${mostSeconds} s`;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  load.signal("SIGTERM");
  const found = JSON.parse((await load.output()).split("\n").at(-1) ?? "") as BackgroundLoad;
  return { ms, load: found, problem };
}

/**
 * Milliseconds from the request until the peer says it is done, if it does, the last of the old
 * workers has gone, and a request over a new connection was answered after that.
 */
async function timeReload(peer: RunningPeer): Promise<number> {
  const children = descendants(peer.root);
  const old = children.length === 0 ? [peer.root] : children;
  const started = now();
  await withinPatience(peer.reload());
  while (old.some(lives)) {
    if (now() > started + PATIENCE_MS) throw new Error(tooLong("old workers still run"));
    await pause(LOOK_MS);
  }
  await untilServes(peer.address);
  return now() - started;
}

async function withinPatience(reload: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(tooLong("not done"))), PATIENCE_MS);
  try {
    await Promise.race([reload, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLong(what: string): string {
  return `a reload did not end within ${PATIENCE_MS / 1000} s: ${what}`;
}

/** Waits until a server answers with status 200. */
export async function untilServes(address: string): Promise<void> {
  const end = now() + PATIENCE_MS;
  while (!await serves(address)) {
    if (now() > end) throw new Error(`${address} does not serve`);
    await pause(LOOK_MS);
  }
}

async function serves(address: string): Promise<boolean> {
  try {
    return (await askAddress(address)).status === 200;
  } catch {
    // It does not listen yet, or ended the connection: asked again.
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
