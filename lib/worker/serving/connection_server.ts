/**
 * Runs in the worker. A server of whatever is spoken on connections: accepts, and knows what it has
 * accepted. For the rest of the worker it is like what `Deno.serve` returns.
 *
 * @module
 */

import type { Server } from "../handler.ts";
import { isOfOneConnection } from "../../system/descriptor.ts";
import { pause } from "../../system/timing.ts";
import { sayCannotAccept } from "./lasting_server.ts";

/** The first pause when nothing can be accepted, for want of descriptors for example, and the longest (ms). */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

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
    let wait = FIRST_PAUSE_MS;
    while (!this.#closed) {
      try {
        this.#take(await this.#listener.accept());
        wait = FIRST_PAUSE_MS;
      } catch (error) {
        if (this.#closed) break;
        // A client that left the queue is no reason to let the others wait, however many leave it.
        if (isOfOneConnection(error)) continue;
        sayCannotAccept(error);
        await pause(wait);
        wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
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
