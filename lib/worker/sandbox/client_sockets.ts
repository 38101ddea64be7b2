/**
 * Runs in the worker, where it is a sandbox. What looks at clients and ends their connections, made of sealed
 * operations. A script can change what this module relies on, but not what the sealed operations do.
 *
 * @module
 */

import { type Traffic, trafficOf } from "../connections/connection_times.ts";
import {
  type ClientConnection,
  type ClientSockets,
  LINGER_MS,
} from "../connections/client_connections.ts";
import type { SealedConnections } from "./sealed_connections.ts";
import { TCP_INFO_BYTES } from "./sealed_connections.ts";
import type { SealedQueues } from "./sealed_queues.ts";
import { MOST_TOGETHER } from "./swap.ts";

/** How often connections that were ended are polled (100 ms). */
const POLL_MS = 100;

/** Takes connections of the last list away from their servers; returns how many. */
export function detachAll(
  connections: SealedConnections,
  clients: readonly ClientConnection[],
  polls: number,
): number {
  const names = clients.map(({ handle }) => handle);
  let taken = 0;
  for (let from = 0; from < names.length; from += MOST_TOGETHER) {
    const some = names.slice(from, from + MOST_TOGETHER);
    taken += connections.detach(some, some.length, polls);
  }
  return taken;
}

/** The sockets of a sandboxed worker's clients. */
export class SealedClientSockets implements ClientSockets {
  readonly limit: number;
  readonly #connections: SealedConnections;
  readonly #queues: SealedQueues;
  readonly #list: () => ClientConnection[];
  #lingering = 0;

  /** Takes the limit of descriptors, which cannot be asked for any more, and what lists connections. */
  constructor(
    limit: number,
    connections: SealedConnections,
    queues: SealedQueues,
    list: () => ClientConnection[],
  ) {
    this.limit = limit;
    this.#connections = connections;
    this.#queues = queues;
    this.#list = list;
  }

  count(): number {
    return this.#connections.countDescriptors();
  }

  connections(): ClientConnection[] {
    return this.#list();
  }

  isWaiting(queue: number): boolean {
    return this.#queues.length(queue) > 0;
  }

  traffic({ handle }: ClientConnection): Traffic | null {
    const bytes = new Uint8Array(TCP_INFO_BYTES);
    const told = this.#connections.describeTraffic(handle, bytes);
    return told ? trafficOf(new DataView(bytes.buffer)) : null;
  }

  end(clients: readonly ClientConnection[], lingerMs = LINGER_MS): void {
    this.#lingering += detachAll(this.#connections, clients, Math.ceil(lingerMs / POLL_MS));
  }

  get lingering(): number {
    return this.#lingering;
  }

  get crossed(): number {
    return this.#connections.countCrossed();
  }

  /** What was ended is listed no more. */
  isEnded(): boolean {
    return false;
  }

  closeEnded(): void {
    this.#lingering = this.#connections.pollDetached();
  }
}
