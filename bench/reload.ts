/**
 * Loses requests, or proves that it does not: every scenario of the load client on TCP and on a Unix
 * socket, while the workers are replaced one after the other without end.
 *
 * @module
 */

import type { LoadMix } from "../tests/helpers/load.ts";
import { type Findings, type Length, runBench } from "./bench.ts";
import { Changes } from "./changes.ts";
import { Instance } from "./instance.ts";
import { LoadTotals, type Row } from "./load_totals.ts";
import { grouped, loadOnce, noLoss, targetsOf, tellLosses } from "./loss_load.ts";
import { markdownTable } from "./readme.ts";

const SCRIPT = new URL("../tests/fixtures/apps/loss_app.ts", import.meta.url);
const PROCESSES = 4;
const MERCY_SECONDS = 5;

/** Clients for each transport. */
const MIX: LoadMix = {
  "close": 4,
  "keep-alive": 4,
  "idle": 8,
  "post": 2,
  "split-header": 8,
  "pipelined": 4,
  "sse": 4,
  "websocket": 4,
};

/** When a run is long enough, and when it has taken too long. */
const LIMITS = {
  full: { requests: 1_000_000, replacements: 500, seconds: 1200, roundSeconds: 10 },
  short: { requests: 5_000, replacements: 8, seconds: 60, roundSeconds: 2 },
} as const;

async function measure(length: Length): Promise<Findings> {
  const limits = LIMITS[length];
  const started = performance.now();
  await using instance = new Instance({
    script: SCRIPT,
    processes: PROCESSES,
    args: ["--socket", "%DIR%/app.sock", "--worker-reload-mercy", String(MERCY_SECONDS)],
  });
  const targets = targetsOf(await instance.ready());
  const totals = new LoadTotals();
  const chains = new Changes(async () => {
    await instance.reload();
    return PROCESSES;
  });
  const seconds = () => (performance.now() - started) / 1000;
  const enough = () => totals.requests >= limits.requests && chains.count >= limits.replacements;
  while (!enough() && chains.error === null && seconds() < limits.seconds) {
    await loadOnce(targets, MIX, totals, limits.roundSeconds * 1000);
    console.error(
      `${Math.round(seconds())} s: ${totals.requests} requests, ${chains.count} replacements, ` +
        `${totals.failed} failed`,
    );
  }
  // The last reload, which nobody loads any more, does not count.
  const replaced = chains.count;
  await chains.stop();
  tellLosses(totals.losses, instance.events);
  if (chains.error !== null) console.error(chains.error);
  const wentThrough = {
    what: "every chain reload went through",
    reached: chains.error === null,
    counted: true,
  };
  const { text, goals } = findings(totals, replaced, limits, seconds());
  return { text, goals: [...goals, wentThrough] };
}

function findings(
  totals: LoadTotals,
  replaced: number,
  limits: (typeof LIMITS)[Length],
  seconds: number,
): Findings {
  const head = `${grouped(totals.requests)} requests during ${replaced} worker replacements in ` +
    `${Math.round(seconds)} s; ${PROCESSES} workers, worker-reload-mercy ${MERCY_SECONDS} s.`;
  const table = markdownTable([
    "Scenario",
    "Transport",
    "Requests",
    "Failed",
    "Connections",
    "Ended by `Connection: close`",
    "Ended while idle",
    "WebSocket close 1001",
    "Slowest (ms)",
  ], totals.rows.map(cells));
  return {
    text: `${head}\n\n${table}`,
    goals: [
      noLoss(totals),
      {
        what: `at least ${grouped(limits.requests)} requests (${grouped(totals.requests)})`,
        reached: totals.requests >= limits.requests,
        counted: true,
      },
      {
        what: `at least ${limits.replacements} worker replacements (${replaced})`,
        reached: replaced >= limits.replacements,
        counted: true,
      },
    ],
  };
}

function cells(row: Row): (string | number)[] {
  const kinds = Object.entries(row.failures).map(([kind, count]) => `${count} ${kind}`);
  return [
    row.scenario,
    row.transport,
    row.ok + row.failed,
    kinds.length === 0 ? 0 : kinds.join(", "),
    row.connections,
    row.announcedEnds,
    row.idleEnds,
    row.goingAway,
    Math.round(row.slowestMs),
  ];
}

if (import.meta.main) await runBench("reload", measure);
