/**
 * Runs in the worker. A server of whatever is spoken on connections: accepts, and knows what it has
 * accepted. For the rest of the worker it is like what `Deno.serve` returns.
 *
 * @module
 */

import { pause } from "../system/timing.ts";
import type { Server } from "./listener.ts";

/** How long to wait when there are no descriptors for one more connection (1 s). */
const RECOVERY_MS = 1_000;

/** Serves the connections of a listener. */
export class ConnectionServer implements Server {
  readonly finished: Promise<void>;
  readonly #listener: Deno.Listener;
  readonly #serve: (conn: Deno.Conn) => Promise<void>;
  readonly #open = new Map<Deno.Conn, Promise<void>>();
  #closed = false;

  /**
   * Begins to accept.
   *
   * @param serve Serves a connection until its end, and does not fail.
   * @param signal Ends the server and its connections at once.
   */
  constructor(
    listener: Deno.Listener,
    serve: (conn: Deno.Conn) => Promise<void>,
    signal?: AbortSignal,
  ) {
    this.#listener = listener;
    this.#serve = serve;
    this.finished = this.#accept();
    if (signal?.aborted) this.#abort();
    signal?.addEventListener("abort", () => this.#abort(), { once: true });
  }

  /** Where the listener is. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** Lets the process live as long as the server does. */
  ref(): void {
    this.#listener.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#listener.unref();
  }

  /** Accepts no more; resolves when the last connection has ended. */
  shutdown(): Promise<void> {
    this.#close();
    return this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        // A client that left the queue is no reason to let the others wait.
        const isOne = error instanceof Deno.errors.ConnectionAborted;
        if (!this.#closed && !isOne) await pause(RECOVERY_MS);
      }
    }
    await Promise.all(this.#open.values());
  }

  #take(conn: Deno.Conn): void {
    const served = this.#serve(conn).finally(() => this.#open.delete(conn));
    this.#open.set(conn, served);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }

  #abort(): void {
    this.#close();
    for (const conn of this.#open.keys()) conn.close();
  }
}
