/**
 * Runs in the worker. Which connections speak HTTP/2: their clients can be told to go (GOAWAY) without
 * losing a request, and those of HTTP/1.1 cannot.
 *
 * @module
 */

import { speaksHttp2 } from "../connections/connection_close_rule.ts";

/** Connections that are gone are looked for when there are more than this. */
const SOME = 1024;

/** Remembers connections by the address of their client, and forgets those that are gone. */
export class LivingClients {
  readonly #clients = new Set<string>();
  readonly #living: () => readonly string[];
  #most = SOME;

  /** `living` tells which clients are connected. */
  constructor(living: () => readonly string[]) {
    this.#living = living;
  }

  /** Number of connections that are remembered. */
  get size(): number {
    return this.#clients.size;
  }

  /** Remembers one. */
  add(client: string): void {
    this.#clients.add(client);
    if (this.#clients.size > this.#most) this.#forgetTheDead();
  }

  /** Forgets one. */
  delete(client: string): void {
    this.#clients.delete(client);
  }

  /** True if it is remembered. */
  has(client: string): boolean {
    return this.#clients.has(client);
  }

  #forgetTheDead(): void {
    const living = new Set(this.#living());
    for (const client of this.#clients) {
      if (!living.has(client)) this.#clients.delete(client);
    }
    this.#most = Math.max(SOME, this.#clients.size * 2);
  }
}

/** Remembers who speaks HTTP/2. */
export class Http2Clients extends LivingClients {
  /** Notes what a client has sent. */
  note(client: string, headers: Headers): void {
    // An address can come back with another client behind it.
    if (speaksHttp2(headers)) this.add(client);
    else this.delete(client);
  }
}
