/**
 * Runs in the master, where `stats` is configured; loaded only then. Gives everybody who connects the
 * whole document and the end of the connection, as uWSGI does, or with `stats-http` an HTTP response.
 *
 * Nothing a client does, or leaves undone, holds up anything else: there are so many clients at a time
 * and no more, each has so much time and no more, and only so much of it is read. Many questions at once
 * get the same answer, so that they take a small share of the master's time.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Stats } from "../stats/stats.ts";
import { statsResponse } from "../stats/stats_http.ts";
import { statsText } from "../stats/stats_text.ts";
import { fulfilledWithin, pause } from "../system/timing.ts";
import { logLine } from "./log.ts";

/** When more come at a time, those that are there for the longest time are sent away. */
export const MOST_CLIENTS = 32;

/** How long a client may take for everything (5 s). */
export const PATIENCE_MS = 5_000;

/** More of an HTTP request is not read. */
const MOST_HEAD_BYTES = 8_192;

/** What a client may say after its answer is read, so that the answer is not taken back, up to this. */
const MOST_REST_BYTES = 65_536;

/** Reading the stats may take this share of the master's time, if nobody has to wait too long for it. */
const LARGEST_SHARE = 0.1;
/** Nobody waits longer than this for their turn (250 ms), and only where many ask. */
const LONGEST_WAIT_MS = 250;

/** What of the configuration counts. */
export type StatsServerConfig = Pick<
  Config,
  "statsHttp" | "statsMinified" | "statsNoCores" | "statsNoMetrics"
>;

/** Answers clients. */
export class StatsServer {
  readonly #read: () => Stats;
  readonly #config: () => StatsServerConfig;
  /** Who is there, and when that client has its answer, or has gone without it. */
  readonly #clients = new Map<Deno.Conn, Promise<void>>();
  #next: Promise<string> | null = null;
  /** Before that, the stats are not read again (monotonic ms). */
  #nextReadAt = 0;

  /** Takes where the stats come from, and the configuration in use. */
  constructor(read: () => Stats, config: () => StatsServerConfig) {
    this.#read = read;
    this.#config = config;
  }

  /** Answers a client. */
  begin(client: Deno.Conn): void {
    for (const oldest of this.#clients.keys()) {
      if (this.#clients.size < MOST_CLIENTS) break;
      this.#end(oldest);
    }
    const timer = setTimeout(() => this.#end(client), PATIENCE_MS);
    const answered = this.#answer(client).catch((error) => {
      // Gone, or sent away: what it did not get it will ask for again.
      if (Object.values(Deno.errors).some((kind) => error instanceof kind)) return;
      const reason = error instanceof Error ? error.message : String(error);
      logLine("error", `The stats cannot be shown: ${reason}`, { event: "viewFailed" });
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

  async #answer(client: Deno.Conn): Promise<void> {
    const head = this.#config().statsHttp ? await readHead(client) : null;
    const document = await this.#document();
    const answer = head === null ? document : statsResponse(head, document);
    const bytes = new TextEncoder().encode(answer);
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

  /** The document as it is after this was called: all who ask until it is read get the same. */
  #document(): Promise<string> {
    return this.#next ??= this.#readWhenDue();
  }

  async #readWhenDue(): Promise<string> {
    const waitMs = this.#nextReadAt - performance.now();
    await (waitMs > 0 ? pause(waitMs) : undefined);
    this.#next = null;
    const before = performance.now();
    const text = statsText(this.#read(), this.#config());
    const now = performance.now();
    this.#nextReadAt = now + Math.min((now - before) / LARGEST_SHARE, LONGEST_WAIT_MS);
    return text;
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
async function readHead(client: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(MOST_HEAD_BYTES);
  const decoder = new TextDecoder("latin1");
  for (let length = 0; length < bytes.length;) {
    const more = await client.read(bytes.subarray(length));
    if (more === null) return decoder.decode(bytes.subarray(0, length));
    length += more;
    const text = decoder.decode(bytes.subarray(0, length));
    if (/\r?\n\r?\n/.test(text)) return text;
  }
  return decoder.decode(bytes);
}
