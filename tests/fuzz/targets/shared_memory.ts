/**
 * Fuzzes whatever the master, and the `uwsgi` module in a worker, read of shared memory: random bits and
 * special values are put where rows, process rows and metrics are, while process rows are taken and given back. Every
 * number that comes out is finite, counts never fall, and what the master has written itself stays true.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { parseMetricLine } from "../../../lib/config/values/metric_line.ts";
import { defaults } from "../../../lib/config/resolve.ts";
import { checkLimits } from "../../../lib/core/policies/limits.ts";
import {
  type ProcessRowLease,
  ProcessRowPool,
} from "../../../lib/master/scoreboard/process_row_pool.ts";
import { MasterScoreboard } from "../../../lib/master/scoreboard/master_scoreboard.ts";
import { MetricKeeper } from "../../../lib/master/metrics/metric_keeper.ts";
import { Sampler } from "../../../lib/master/limits/sampler.ts";
import { MasterClock, SHARED_BYTES } from "../../../lib/shared_memory/process_row.ts";
import {
  METRICS_AT,
  PROCESS_ROW_BYTES,
  PROCESS_ROWS_AT,
  ROW_BYTES,
} from "../../../lib/shared_memory/memory_layout.ts";
import { MetricTable } from "../../../lib/shared_memory/metric_table.ts";
import { MAX_SLOTS, Scoreboard } from "../../../lib/shared_memory/scoreboard.ts";
import { renderFamilies } from "../../../lib/stats/exposition.ts";
import { metricFamilies } from "../../../lib/stats/metric_families.ts";
import { type StatsFacts, statsOf } from "../../../lib/stats/stats_of.ts";
import type { Stats } from "../../../lib/stats/stats.ts";
import { userFamilies } from "../../../lib/stats/user_families.ts";
import { builtinMetric } from "../../../lib/worker/metrics/builtin_metrics.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";

const SLOTS = [1, 2, 3];

/** What is made into garbage: the rows in use, the clock and some process rows, and some cells of metrics. */
const PARTS = [
  [0, (SLOTS.length + 1) * ROW_BYTES],
  [PROCESS_ROWS_AT, 8 * PROCESS_ROW_BYTES],
  [METRICS_AT, 64 * 8],
] as const;

const FLOATS = [NaN, Infinity, -Infinity, -1, 0.5, 1, 1e5, 2 ** 53, 2 ** 63, 1e308, 5e-324];
const INTEGERS = [-1n, 0n, 1n, 3n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];

const CONFIG = {
  ...defaults(),
  metrics: ["name=a,reset_after_push", "name=h,type=histogram,bounds=10;100,reset_after_push"]
    .map((text) => parseMetricLine({ option: "metric", text, origin: { file: "", line: 1 } })),
};

const STATE = stateOf({
  slots: SLOTS.map((number) => slotOf({ number })),
  workers: SLOTS.map((slot) => workerOf({ id: slot, slot, pid: 100 + slot })),
});

/** One instance on its memory. */
class Instance {
  readonly #memory = new SharedArrayBuffer(SHARED_BYTES);
  readonly #random: Random;
  readonly #keeper: MetricKeeper;
  readonly #clock = new MasterClock(this.#memory);
  #board = new MasterScoreboard(this.#memory);
  #processRows = new ProcessRowPool(this.#memory, this.#board);
  #leases: ProcessRowLease[] = [];
  #before: Stats | null = null;
  #generation = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#keeper = new MetricKeeper({
      memory: this.#memory,
      inherited: [],
      stats: () => Promise.reject(new Error("There are no collectors")),
    });
    assertEquals(this.#keeper.prepare(CONFIG), null);
    this.#keeper.use(CONFIG);
  }

  /** Something that the master does. */
  act(): void {
    const random = this.#random;
    switch (random.int(0, 4)) {
      case 0:
        if (this.#leases.length < 6) this.#leases.push(this.#processRows.take(random.int(0, 3)));
        return;
      case 1: {
        const [gone] = this.#leases.splice(random.int(0, this.#leases.length), 1);
        return gone === undefined ? undefined : this.#processRows.release(gone);
      }
      case 2:
        this.#generation++;
        for (const slot of SLOTS) this.#board.set(slot, "generation", this.#generation);
        return;
      case 3:
        return this.#replaceProgram();
      default:
        this.#board.countLost(1);
    }
  }

  /** The next program of the master knows what is handed over as JSON. */
  #replaceProgram(): void {
    const record = JSON.parse(JSON.stringify(this.#board.record));
    this.#board = new MasterScoreboard(this.#memory, record);
    this.#processRows = new ProcessRowPool(this.#memory, this.#board);
    this.#leases = this.#leases.map(({ number }) => this.#processRows.keep(number, 1));
  }

  /** Puts garbage into a part of the memory. */
  spoil(): void {
    const random = this.#random;
    const [start, bytes] = random.pick(PARTS);
    const view = new DataView(this.#memory, start, bytes);
    const everything = random.chance(0.3);
    const count = everything ? bytes / 8 : random.int(1, 40);
    const value = random.pick(FLOATS);
    for (let i = 0; i < count; i++) {
      const at = (everything ? i : random.int(0, bytes / 8 - 1)) * 8;
      const kind = random.int(0, 3);
      if (everything) view.setFloat64(at, value, true);
      else if (kind === 0) view.setFloat64(at, random.pick(FLOATS), true);
      else if (kind === 1) view.setBigInt64(at, random.pick(INTEGERS), true);
      else if (kind === 2) view.setInt32(at, random.int(-5, 5000), true);
      else new Uint8Array(this.#memory, start + at, 8).set(random.bytes(8));
    }
  }

  /** The master looks at everything. */
  look(): void {
    const ticks = this.#clock.ticks;
    const sampler = new Sampler({
      clock: this.#clock,
      health: (worker) => {
        const lease = this.#leases[worker - 1];
        return lease && {
          processRow: lease.processRow,
          requests: lease.counters.requests,
          lastHeardAt: 1,
          loopLagMs: 1,
          heartbeatMs: 1000,
        };
      },
      memory: () => null,
    });
    const samples = sampler.take(STATE.workers, 10_000, false);
    assertEquals(this.#clock.ticks, ticks + 1);
    assertFinite(samples, "samples");
    const limits = { ...CONFIG, maxRequests: 1000, harakiriMs: 5000, hangTimeoutMs: 5000 };
    for (const masterEvent of checkLimits(samples, limits, new Map()).masterEvents) {
      if ("why" in masterEvent) {
        assert(masterEvent.why.length < 1000 && !/NaN|Inf/.test(masterEvent.why));
      }
    }
    const stats = statsOf(STATE, this.#facts());
    assertFinite(stats, "stats");
    for (const slot of SLOTS) assertEquals(this.#board.get(slot, "generation"), this.#generation);
    const text = renderFamilies([...metricFamilies(stats), ...userFamilies(stats)], "openmetrics");
    assert(!/NaN|(?<!")[+-]Inf/.test(text), text);
    this.#neverFalls(stats);
    this.#keeper.pushed(stats.metrics ?? {});
  }

  /** A worker looks at everything that the module shows. */
  lookAsWorker(): void {
    const board = new Scoreboard(this.#memory);
    assert(board.slots >= 0 && board.slots <= MAX_SLOTS);
    for (const slot of SLOTS) {
      for (const cell of ["pid", "generation", "averageTime", "requests", "sent"] as const) {
        const value = board.get(slot, cell);
        assert(Number.isSafeInteger(value) && value >= 0, `${cell}: ${value}`);
      }
    }
    const total = builtinMetric(board, "core.total_tx") ?? NaN;
    assert(total >= 0 && Number.isFinite(total));
    const table = new MetricTable(this.#memory, this.#keeper.places(CONFIG), () => null);
    table.add("a", 1);
    table.observe("h", 50);
    assert(Number.isFinite(table.get("a")) && Number.isFinite(table.get("h")));
  }

  #neverFalls(stats: Stats): void {
    const counts = ({ workers, log_lines_lost }: Stats) => [
      log_lines_lost,
      ...workers.flatMap(({ requests, tx, exceptions, latency, running_time }) => [
        requests,
        tx,
        exceptions,
        running_time,
        ...latency.buckets,
      ]),
    ];
    const [before, now] = [counts(this.#before ?? stats), counts(stats)];
    now.forEach((count, i) => assert(count >= (before[i] ?? 0), `${before[i]} → ${count}`));
    this.#before = stats;
  }

  #facts(): StatsFacts {
    return {
      version: "",
      pid: 1,
      uid: 0,
      gid: 0,
      cwd: "/",
      script: "",
      started_on: 0,
      listen_queue_errors: 0,
      now: 10_000,
      epochMs: 20_000,
      sockets: [],
      board: this.#board,
      logLinesLost: this.#board.total("logLinesLost"),
      process: (worker) => {
        const processRow = this.#leases[worker - 1]?.processRow;
        return processRow === undefined
          ? null
          : { inFlight: processRow.get("inFlight"), lagUs: processRow.get("lag") };
      },
      memory: () => null,
      daemons: undefined,
      crons: undefined,
      metrics: (stats) => this.#keeper.show(stats),
    };
  }
}

function assertFinite(value: unknown, name: string): void {
  if (typeof value === "number") assert(Number.isFinite(value), `${name}: ${value}`);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) assertFinite(inner, key);
}

export const target: FuzzTarget = {
  name: "shared_memory",
  run(random: Random, rounds: number) {
    const instance = new Instance(random);
    for (let round = 0; round < rounds; round++) {
      instance.act();
      instance.spoil();
      instance.look();
      instance.lookAsWorker();
    }
  },
};
