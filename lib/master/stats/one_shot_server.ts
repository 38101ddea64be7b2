/**
 * Runs in the master. The clients of what shows the instance: each gets one answer and the end of the
 * connection.
 *
 * Nothing a client does, or leaves undone, holds up anything else: there are so many clients at a time
 * and no more, each has so much time and no more, and only so much of it is read. `Deno.serve` would
 * wait forever for a request that is sent slowly, and `node:http` costs a master 12 MB and 23 ms.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { logLine } from "../log.ts";

/** When more come at a time, those that are there for the longest time are sent away. */
export const MOST_CLIENTS = 32;

/** How long a client may take for everything (5 s). */
export const PATIENCE_MS = 5_000;

/** More of an HTTP request is not read. */
export const MOST_HEAD_BYTES = 8_192;

/** What a client may say after its answer is read, so that the answer is not taken back, up to this. */
const MOST_REST_BYTES = 65_536;

/** Answers clients. */
export class OneShotServer {
  readonly #answer: (client: Deno.Conn) => Promise<Uint8Array>;
  /** Who is there, and when that client has its answer, or has gone without it. */
  readonly #clients = new Map<Deno.Conn, Promise<void>>();

  /** Takes what finds the answer for a client, which may read from it first. */
  constructor(answer: (client: Deno.Conn) => Promise<Uint8Array>) {
    this.#answer = answer;
  }

  /** Answers a client. */
  begin(client: Deno.Conn): void {
    for (const oldest of this.#clients.keys()) {
      if (this.#clients.size < MOST_CLIENTS) break;
      this.#end(oldest);
    }
    const timer = setTimeout(() => this.#end(client), PATIENCE_MS);
    const answered = this.#serve(client).catch((error) => {
      // Gone, or sent away: what it did not get it will ask for again.
      if (Object.values(Deno.errors).some((kind) => error instanceof kind)) return;
      const reason = errorText(error);
      logLine("error", `A client cannot be answered: ${reason}`, { event: "viewFailed" });
    }).finally(() => {
      clearTimeout(timer);
      this.#end(client);
    });
    this.#clients.set(client, answered);
  }

  /** Sends everybody away; who is about to be answered has `mercyMs` for it. */
  async close(mercyMs: number): Promise<void> {
    await fulfilledWithin(Promise.all(this.#clients.values()), mercyMs);
    for (const client of this.#clients.keys()) this.#end(client);
  }

  async #serve(client: Deno.Conn): Promise<void> {
    const bytes = await this.#answer(client);
    for (let at = 0; at < bytes.length;) at += await client.write(bytes.subarray(at));
    await client.closeWrite();
    // Closing a connection with something left to read would reset it, and lose what is on its way.
    const rest = new Uint8Array(4096);
    for (let read = 0; read < MOST_REST_BYTES;) {
      const length = await client.read(rest);
      if (length === null) return;
      read += length;
    }
  }

  #end(client: Deno.Conn): void {
    if (!this.#clients.delete(client)) return;
    try {
      client.close();
    } catch {
      // It is closed already.
    }
  }
}

/** What a client sent up to the end of its request's head, or as much as is read of it. */
export async function readHead(client: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(MOST_HEAD_BYTES);
  const decoder = new TextDecoder("latin1");
  for (let length = 0; length < bytes.length;) {
    const more = await client.read(bytes.subarray(length));
    if (more === null) return decoder.decode(bytes.subarray(0, length));
    // The end of the head may have begun with what came before.
    const from = Math.max(0, length - 3);
    length += more;
    const text = decoder.decode(bytes.subarray(from, length));
    if (/\r?\n\r?\n/.test(text)) return decoder.decode(bytes.subarray(0, length));
  }
  return decoder.decode(bytes);
}
