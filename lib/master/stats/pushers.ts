/**
 * Runs in the master, where `stats-push` or `carbon` is used; loaded only then. Sends the stats to their
 * receivers, each at its own pace.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import type { PusherLine } from "../../config/values/pusher_line.ts";
import { carbonPrefix, type PushedCounts, type PushedMetrics } from "../../stats/push_format.ts";
import type { Stats } from "../../stats/stats.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { logLine } from "../log.ts";
import { type PushTarget, pushTarget } from "./push_targets.ts";

/** How long the last messages may take when the master ends (1 s). */
const LAST_MS = 1_000;

/** What of the configuration it needs. */
export type PushersConfig = Pick<
  Config,
  | "statsPush"
  | "statsPusherDefaultFreqMs"
  | "carbon"
  | "carbonFreqMs"
  | "carbonTimeoutMs"
  | "carbonId"
  | "carbonRoot"
>;

/** What they work with. */
export interface PushersSetup {
  /** How the instance is now. */
  readonly stats: () => Stats;
  /** Is told which values have arrived somewhere. */
  readonly arrived: (metrics: PushedMetrics) => void;
  /** Address of the first socket. */
  readonly address: () => string;
  /** What each has been told of the counters, by what was configured; the next program goes on there. */
  readonly pushed: Map<string, PushedCounts>;
}

/** All of them. */
export class Pushers {
  readonly #setup: PushersSetup;
  #pushers = new Map<string, Pusher>();

  /** Nothing is sent before {@linkcode use}. */
  constructor(setup: PushersSetup) {
    this.#setup = setup;
  }

  /** From now on, this is the configuration. Whoever is in it as before goes on. */
  use(config: PushersConfig): void {
    const before = this.#pushers;
    this.#pushers = new Map();
    const prefix = carbonPrefix(
      config.carbonRoot,
      Deno.hostname(),
      config.carbonId || this.#setup.address(),
    );
    for (const line of [...config.statsPush, ...config.carbon]) {
      const periodMs = periodOf(line, config);
      const name = `${line.option} ${line.text}`;
      const key = JSON.stringify([name, periodMs, prefix, config.carbonTimeoutMs]);
      if (this.#pushers.has(key)) continue;
      this.#pushers.set(key, before.get(key) ?? this.#begin(name, line, periodMs, prefix, config));
    }
    for (const [key, pusher] of before) if (!this.#pushers.has(key)) pusher.close();
  }

  #begin(
    name: string,
    { target, option, text }: PusherLine,
    periodMs: number,
    prefix: string,
    { carbonTimeoutMs }: PushersConfig,
  ): Pusher {
    const { stats, pushed, arrived } = this.#setup;
    const way = pushTarget(target, {
      carbonPrefix: prefix,
      carbonTimeoutMs,
      pushed: pushed.get(name) ?? null,
      remember: (counts) => void pushed.set(name, counts),
    });
    // What is sent by its growth is not set back: that would only hide how much it has grown.
    const told = target.type === "statsd" ? () => {} : arrived;
    return new Pusher(`${option} "${text}"`, way, periodMs, { stats, arrived: told });
  }

  /** Sends the last figures, and ends. */
  async close(): Promise<void> {
    const all = [...this.#pushers.values()];
    this.#pushers.clear();
    for (const pusher of all) pusher.close();
    await fulfilledWithin(Promise.all(all.map((pusher) => pusher.pushLast())), LAST_MS);
  }
}

function periodOf({ target }: PusherLine, config: PushersConfig): number {
  if (target.type === "carbon") return config.carbonFreqMs;
  const own = target.type === "file" ? target.freq : null;
  return own === null ? config.statsPusherDefaultFreqMs : own * 1000;
}

/** Where figures come from, and who is told when they have arrived. */
type Ends = Pick<PushersSetup, "stats" | "arrived">;

/** One of them: it sends one message at a time, and leaves out those whose time comes meanwhile. */
class Pusher {
  readonly #name: string;
  readonly #target: PushTarget;
  readonly #ends: Ends;
  readonly #timer: ReturnType<typeof setInterval>;
  #sending: Promise<void> | null = null;
  #failed = false;

  constructor(name: string, target: PushTarget, periodMs: number, ends: Ends) {
    this.#name = name;
    this.#target = target;
    this.#ends = ends;
    this.#timer = setInterval(() => void this.push(), periodMs);
    void this.push();
  }

  /** Sends a message now, unless one is on its way; fulfilled when it is sent, or could not be. */
  push(): Promise<void> {
    return this.#sending ??= this.#send().finally(() => this.#sending = null);
  }

  /** Sends what is true in the end. */
  async pushLast(): Promise<void> {
    await this.#sending;
    await this.push();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #send(): Promise<void> {
    try {
      const stats = this.#ends.stats();
      await this.#target.send(stats);
      this.#ends.arrived(stats.metrics ?? {});
      if (this.#failed) logLine("info", `${this.#name} works again`, { event: "pusherWorks" });
      this.#failed = false;
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      const reason = errorText(error);
      const text = `${this.#name} cannot be served: ${reason}. It is tried again each time`;
      logLine("warning", text, { event: "pusherFailed" });
    }
  }
}
