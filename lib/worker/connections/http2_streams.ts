/**
 * Runs in the worker. Streams of HTTP/2 on one socket while the worker retires: when none is open, clients
 * can be told to go (GOAWAY) without losing one.
 *
 * Many clients answer GOAWAY with their own, which names the last stream that the server has begun: none
 * (RFC 9113, 6.8). Deno takes that number for the streams of the client, and ends them all.
 *
 * @module
 */

import { after } from "../../system/timing.ts";

/** How long the end of a response may take to be written when Deno has it (ms). */
const SETTLE_MS = 2;
/** The same when the response did not fit into the first window of its stream: its client has to read. */
const LARGE_SETTLE_MS = 250;
/** The first window of a stream (RFC 9113, 6.9.2). */
const WINDOW_BYTES = 65_535;

/** Streams that were begun since the worker retires. */
export class Http2Streams {
  readonly #clients = new Set<string>();
  #open = 0;
  #begun = 0;
  #settleMs = SETTLE_MS;
  #waiting: (() => void) | null = null;

  /** A client, whose name is empty where it has none, has begun a stream; `completed` is its end. */
  begin(client: string, completed: Promise<void>): void {
    if (client !== "") this.#clients.add(client);
    this.#open += 1;
    this.#begun += 1;
    const end = () => {
      this.#open -= 1;
      if (this.#open === 0) this.#settle();
    };
    completed.then(end, end);
  }

  /** The response of a stream has so many bytes; null: it is not known how many. */
  respond(bytes: number | null): void {
    if (bytes === null || bytes > WINDOW_BYTES) this.#settleMs = LARGE_SETTLE_MS;
  }

  /** True if this client has begun a stream. */
  has(client: string): boolean {
    return this.#clients.has(client);
  }

  /**
   * Calls `act` once, as soon as no stream is open and what was sent last is written. Who asks again before
   * that has taken the first one's place.
   */
  whenNone(act: () => void): void {
    const waits = this.#waiting !== null;
    this.#waiting = act;
    if (!waits && this.#open === 0) this.#settle();
  }

  #settle(): void {
    if (this.#waiting === null) return;
    const begun = this.#begun;
    after(this.#settleMs, () => {
      if (this.#open > 0 || this.#begun !== begun) return;
      const act = this.#waiting;
      this.#waiting = null;
      this.#settleMs = SETTLE_MS;
      act?.();
    });
  }
}
