/**
 * An instance that does not exist: its stats change as those of a busy one do. For looking at what
 * shows stats, and for tests of it that need many workers or rare events.
 *
 * @module
 */

import { LATENCY_BOUNDS_US, type Stats, type StatsWorker } from "../../lib/stats/stats.ts";
import { statsDocument, statsWorker } from "./stats_document.ts";

/** How often its figures move on, in milliseconds. */
const STEP_MS = 100;

/** What is told of a reload that was to bring this generation. */
const TEXTS = {
  done: (generation: number) => `Chain reload to generation ${generation} took 1.9 s`,
  failed: (generation: number) =>
    "Chain reload failed after 38 ms: worker 1 exited with code 1 before it " +
    "uwsgi.accepting(): SyntaxError: Expected ',', got '<eof>' (/srv/shop/app.ts:3:41). " +
    `Slots 1, 2, 3, 4 run generation ${generation - 1}`,
} as const;

/** The instance. */
export class MadeUpInstance {
  /** Changes to its document. */
  changes: Partial<Stats> = {};
  readonly #startedAt: number;
  #now: number;
  #workers: StatsWorker[];
  #seed = 7;

  /** @param uptimeMs how long it has been running, by its own account */
  constructor(workers: number, now: number, uptimeMs = 5_025_000) {
    this.#startedAt = now - uptimeMs;
    this.#now = now;
    this.#workers = Array.from({ length: workers }, (_, index) =>
      statsWorker({
        id: index + 1,
        pid: 48_211 + 7 * index,
        generation: 3,
        rss: (58 + this.#chance() * 14) * 2 ** 20,
        age_ms: 764_000,
        respawn_count: index === 1 ? 4 : 3,
        last_leave: index === 1 ? "died: killed by SIGKILL" : "reload",
      }));
  }

  #chance(): number {
    this.#seed = (this.#seed * 16_807) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  /** Lets time go on until `now`. */
  advance(now: number): void {
    while (this.#now + STEP_MS <= now) {
      this.#now += STEP_MS;
      this.#workers = this.#workers.map((worker) => this.#moved(worker));
    }
  }

  #moved(worker: StatsWorker): StatsWorker {
    const wave = 1 + 0.35 * Math.sin(this.#now / 19_000) + 0.15 * Math.sin(this.#now / 4300);
    const served = Math.round(28 * wave * (0.7 + 0.6 * this.#chance()));
    const buckets = [...worker.latency.buckets];
    const responses = { ...worker.responses };
    for (let request = 0; request < served; request++) {
      const place = 3 + Math.floor(2 * this.#chance() + 4 * this.#chance() ** 5);
      buckets[Math.min(place, LATENCY_BOUNDS_US.length)] =
        (buckets[Math.min(place, LATENCY_BOUNDS_US.length)] ?? 0) + 1;
      const luck = this.#chance();
      const name = luck < 0.004 ? "5xx" : luck < 0.03 ? "4xx" : luck < 0.12 ? "3xx" : "2xx";
      responses[name]++;
    }
    return {
      ...worker,
      requests: worker.requests + served,
      responses,
      latency: { ...worker.latency, buckets },
      in_flight: Math.floor(6 * this.#chance() * wave),
      lag_us: Math.round(180 + 900 * this.#chance() + 9000 * this.#chance() ** 12),
      rss: worker.rss + (this.#chance() - 0.49) * 60_000,
      age_ms: worker.age_ms + STEP_MS,
    };
  }

  /** Lets a reload end now. */
  endReload(outcome: keyof typeof TEXTS, tookMs: number): void {
    const generation = this.#workers[0]?.generation ?? 1;
    const verdict = {
      kind: "chain",
      outcome,
      generation: generation + 1,
      at_ms: this.#now,
      took_ms: tookMs,
      text: TEXTS[outcome](generation + 1),
    } as const;
    this.changes = { ...this.changes, reloads: [verdict, ...this.changes.reloads ?? []] };
    if (outcome !== "done") return;
    this.#workers = this.#workers.map((worker) => ({
      ...worker,
      generation: generation + 1,
      pid: worker.pid + 400,
      age_ms: 0,
      respawn_count: worker.respawn_count + 1,
      last_leave: "reload",
    }));
  }

  /** Its document now. */
  document(): Stats {
    return statsDocument({
      pid: 48_190,
      script: "/srv/shop/app.ts",
      started_on: Math.floor(this.#startedAt / 1000),
      uptime_ms: this.#now - Math.floor(this.#startedAt / 1000) * 1000,
      generation: this.#workers[0]?.generation ?? 1,
      workers: this.#workers,
      in_flight: this.#workers.reduce((sum, { in_flight: requests }) => sum + requests, 0),
      sockets: ["127.0.0.1:8080", "/run/shop/app.sock"].map((name, index) => ({
        name,
        proto: index === 0 ? "http" : "uwsgi",
        queue: Math.floor(4 * this.#chance() ** 8),
        max_queue: 100,
        shared: 0,
        can_offload: 0,
        queues: index === 0 ? this.#workers.length : 1,
      })),
      ...this.changes,
    });
  }
}
