/**
 * Runs in the master. The receivers of `stats-push` and `carbon`: how one message gets to each of them.
 *
 * @module
 */

import type { PusherTarget } from "../../config/values/pusher_line.ts";
import {
  carbonLines,
  countsOf,
  datagramsOf,
  type PushedCounts,
  type PushedMetrics,
  socketLines,
  statsdLines,
} from "../../stats/push_format.ts";
import type { Stats } from "../../stats/stats.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { libc } from "../../system/libc.ts";
import { resolveHost } from "../../system/sockets/resolve_host.ts";
import { openToAppend, writeText } from "../../system/files/trusted_file.ts";

/** Sends the stats to one receiver. */
export interface PushTarget {
  /**
   * Sends one message.
   *
   * @throws {Error} If it cannot be sent; the next one need not fail.
   */
  send(stats: Stats): Promise<void>;
}

/** What a target does not find in its line. */
export interface TargetContext {
  /** What comes before the names for Graphite. */
  readonly carbonPrefix: string;
  /** Time a Graphite server has, in milliseconds. */
  readonly carbonTimeoutMs: number;
  /** What has been pushed of the counters; null: nothing yet. */
  readonly pushed: PushedCounts | null;
  /** Keeps it. */
  readonly remember: (pushed: PushedCounts) => void;
}

/** The way to a receiver. */
export function pushTarget(target: PusherTarget, context: TargetContext): PushTarget {
  switch (target.type) {
    case "statsd":
      return new StatsdTarget(target, context);
    case "socket":
      return {
        send: ({ metrics = {} }) => sendDatagrams(target, socketLines(metrics, target.prefix)),
      };
    case "carbon":
      return { send: (stats) => sendToCarbon(target, stats, context) };
    case "file":
      return { send: (stats) => appendToFile(target, stats) };
  }
}

type Receiver = Pick<Extract<PusherTarget, { readonly host: string }>, "host" | "port">;

/** Remembers what was sent of each counter: what does not arrive at the network is sent the next time. */
class StatsdTarget implements PushTarget {
  readonly #target: Extract<PusherTarget, { readonly type: "statsd" | "socket" }>;
  readonly #remember: TargetContext["remember"];
  #pushed: PushedCounts | null;

  constructor(
    target: Extract<PusherTarget, { readonly type: "statsd" | "socket" }>,
    { pushed, remember }: TargetContext,
  ) {
    this.#target = target;
    this.#pushed = pushed;
    this.#remember = remember;
  }

  async send({ metrics = {} }: Stats): Promise<void> {
    // What was counted before anybody was told is nobody's to add up.
    const before = this.#pushed ?? this.#keep(metrics);
    const lines = statsdLines(metrics, before, this.#target.prefix);
    await sendDatagrams(this.#target, datagramsOf(lines));
    this.#keep(metrics);
  }

  #keep(metrics: PushedMetrics): PushedCounts {
    this.#pushed = countsOf(metrics);
    this.#remember(this.#pushed);
    return this.#pushed;
  }
}

async function sendDatagrams({ host, port }: Receiver, texts: readonly string[]): Promise<void> {
  const hostname = await resolveHost(host);
  const any = hostname.includes(":") ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname: any, port: 0 });
  try {
    const encoder = new TextEncoder();
    for (const text of texts) {
      await socket.send(encoder.encode(text), { transport: "udp", hostname, port });
    }
  } finally {
    socket.close();
  }
}

async function sendToCarbon(
  { host, port }: Receiver,
  { metrics = {} }: Stats,
  { carbonPrefix, carbonTimeoutMs }: TargetContext,
): Promise<void> {
  const lines = carbonLines(metrics, carbonPrefix, Math.floor(Date.now() / 1000));
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), carbonTimeoutMs);
  try {
    using connection = await Deno.connect({ hostname: host, port, signal: limit.signal });
    // Closing it is what ends a write to somebody who does not read.
    limit.signal.addEventListener("abort", () => connection.close());
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  } catch (error) {
    throw limit.signal.aborted ? new Error(`no answer within ${carbonTimeoutMs / 1000} s`) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function appendToFile(
  { path, separator }: Extract<PusherTarget, { readonly type: "file" }>,
  stats: Stats,
): Promise<void> {
  const text = JSON.stringify(stats) + separator;
  const c = libc();
  // Opened each time, so that the file can be rotated.
  if (c === null) return await appendByPath(path, text);
  const { fd, status } = openToAppend(c, path, { mode: 0o666 });
  try {
    writeText(c, fd, text);
  } catch (error) {
    // On a full disk a part may be there, which would spoil the next document.
    if (status.type === "regular") c.ftruncate(fd, BigInt(status.size));
    throw error;
  } finally {
    c.close(fd);
  }
}

/** Without foreign functions, and so without the rights of another user. */
async function appendByPath(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  using file = await Deno.open(absolutePath(path), { append: true, create: true });
  const { size } = await file.stat();
  try {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  } catch (error) {
    // On a full disk a part may be there, which would spoil the next document.
    await file.truncate(size);
    throw error;
  }
}
