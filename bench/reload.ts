/**
 * Loses requests, or proves that it does not: every scenario of the load client on TCP and on a Unix
 * socket, while the workers are replaced one after the other without end.
 *
 * @module
 */

import { type LoadMix, runLoad } from "../tests/helpers/load.ts";
import type { Target } from "../tests/helpers/load/target.ts";
import { type Findings, type Length, runBench } from "./bench.ts";
import { Chains } from "./chains.ts";
import { Instance, type InstanceEvent } from "./instance.ts";
import { LoadTotals, type Loss, type Row } from "./load_totals.ts";
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

/** What a lost request is shown with: what the master logged in the 2 s before. */
const CONTEXT_MS = 2_000;

async function measure(length: Length): Promise<Findings> {
  const limits = LIMITS[length];
  const started = performance.now();
  await using instance = new Instance({
    script: SCRIPT,
    processes: PROCESSES,
    args: ["--socket", "%DIR%/app.sock", "--worker-reload-mercy", String(MERCY_SECONDS)],
  });
  const [tcp = "", unix = ""] = await instance.ready();
  const targets: readonly (readonly [string, Target])[] = [
    ["TCP", { hostname: "127.0.0.1", port: Number(tcp.slice(tcp.lastIndexOf(":") + 1)) }],
    ["Unix", { transport: "unix", path: unix }],
  ];
  const totals = new LoadTotals();
  const chains = new Chains(instance, PROCESSES);
  const seconds = () => (performance.now() - started) / 1000;
  const enough = () => totals.requests >= limits.requests && chains.replaced >= limits.replacements;
  while (!enough() && chains.error === null && seconds() < limits.seconds) {
    await loadOnce(targets, totals, limits.roundSeconds * 1000);
    console.error(
      `${Math.round(seconds())} s: ${totals.requests} requests, ${chains.replaced} replacements, ` +
        `${totals.failed} failed`,
    );
  }
  // The last reload, which nobody loads any more, does not count.
  const { replaced } = chains;
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

async function loadOnce(
  targets: readonly (readonly [string, Target])[],
  totals: LoadTotals,
  ms: number,
): Promise<void> {
  const startedAt = Date.now();
  const end = AbortSignal.timeout(ms);
  const reports = await Promise.all(targets.map(([, target]) => runLoad(target, MIX, end)));
  targets.forEach(([transport], i) => {
    const report = reports[i];
    if (report !== undefined) totals.add(transport, startedAt, report);
  });
}

function tellLosses(losses: readonly Loss[], events: readonly InstanceEvent[]): void {
  for (const { scenario, transport, kind, at, detail } of losses) {
    console.error(`\nLost at ${clock(at)}: ${scenario} over ${transport}, ${kind}: ${detail}`);
    for (const event of events) {
      const before = at - event.at;
      if (before > -CONTEXT_MS / 4 && before < CONTEXT_MS) {
        console.error(`    ${clock(event.at)} ${event.message}`);
      }
    }
  }
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

function findings(
  totals: LoadTotals,
  replaced: number,
  limits: (typeof LIMITS)[Length],
  seconds: number,
): Findings {
  const head = `${number(totals.requests)} requests during ${replaced} worker replacements in ` +
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
      {
        what: `${totals.failed} of ${number(totals.requests)} requests lost`,
        reached: totals.failed === 0,
        counted: true,
      },
      {
        what: `at least ${number(limits.requests)} requests (${number(totals.requests)})`,
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

function number(value: number): string {
  return value.toLocaleString("en-US");
}

if (import.meta.main) await runBench("reload", measure);
