/**
 * The table of `bench:peers`.
 *
 * @module
 */

import type { Findings, Goal } from "./bench.ts";
import { grouped } from "./loss_load.ts";
import { median } from "./pairs.ts";
import type { Reloads } from "./peer_reload.ts";
import { markdownTable } from "./readme.ts";
import type { WrkResult } from "./wrk.ts";

/** One round of load on a peer. */
export interface Round {
  readonly hello: WrkResult;
  readonly json: WrkResult;
  /** Memory of all its processes while it encodes, in MB. */
  readonly memory: number;
}

/** What was found about one peer. */
export interface PeerResult {
  readonly name: string;
  /** What it tells about its version. */
  readonly version: string;
  readonly reloadedBy: string;
  readonly rounds: readonly Round[];
  /** Null: it could not be reloaded. */
  readonly reloads: Reloads | null;
  /** Why it is not in the table, or not with everything; null: it is. */
  readonly problem: string | null;
}

const HEAD = [
  "",
  "Hello (req/s)",
  "p99 (ms)",
  "JSON + 2 ms (req/s)",
  "p99 (ms)",
  "Memory (MB)",
  "Reload, median (min – max, s)",
  "Lost, a connection each",
  "Lost, keep-alive",
];

/** The table, what is not in it, and the one thing that is promised. */
export function peerFindings(results: readonly PeerResult[], wantedReloads: number): Findings {
  const shown = results.filter(({ rounds }) => rounds.length > 0);
  const table = markdownTable(HEAD, shown.map(cells));
  const notes = results.map(note);
  return { text: `${table}\n\n${notes.join("\n")}`, goals: goals(results[0], wantedReloads) };
}

function cells({ name, rounds, reloads }: PeerResult): (string | number)[] {
  return [
    name,
    ...loadCells(rounds.map(({ hello }) => hello)),
    ...loadCells(rounds.map(({ json }) => json)),
    Math.round(median(rounds.map(({ memory }) => memory))),
    reloads === null || reloads.ms.length === 0 ? "–" : times(reloads.ms),
    lost(reloads, "close"),
    lost(reloads, "keep-alive"),
  ];
}

function loadCells(results: readonly WrkResult[]): (string | number)[] {
  const rate = Math.round(median(results.map(({ requestsPerSecond }) => requestsPerSecond)));
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  return [
    errors === 0 ? rate : `${rate} (${grouped(errors)} errors)`,
    Number(median(results.map(({ p99Ms }) => p99Ms)).toFixed(1)),
  ];
}

function times(ms: readonly number[]): string {
  const seconds = (value: number) => (value / 1000).toFixed(1);
  return `${seconds(median(ms))} (${seconds(Math.min(...ms))} – ${seconds(Math.max(...ms))})`;
}

function lost(reloads: Reloads | null, scenario: "close" | "keep-alive"): string {
  const counts = reloads?.load.scenarios[scenario];
  if (counts === undefined) return "–";
  return `${grouped(counts.failed)} of ${grouped(counts.ok + counts.failed)}`;
}

function note({ name, version, reloadedBy, rounds, reloads, problem }: PeerResult): string {
  if (rounds.length === 0) return `- skipped: ${name}: ${problem}`;
  const kinds = Object.entries(kindsOf(reloads)).map(([kind, count]) =>
    `${grouped(count)} ${kind}`
  );
  return [
    `- ${name}: ${version}. Reload: ${reloadedBy}`,
    ...(kinds.length === 0 ? [] : [`lost: ${kinds.join(", ")}`]),
    ...(problem === null ? [] : [`not measured to the end: ${problem}`]),
  ].join("; ");
}

/** How requests were lost, in all scenarios. */
function kindsOf(reloads: Reloads | null): Readonly<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (const { failures } of Object.values(reloads?.load.scenarios ?? {})) {
    for (const [kind, count] of Object.entries(failures)) kinds[kind] = (kinds[kind] ?? 0) + count;
  }
  return kinds;
}

/** Only duwsgi, which is the first, has promised anything. */
function goals(ours: PeerResult | undefined, wantedReloads: number): readonly Goal[] {
  const failed = ours?.reloads?.load.failed;
  const count = ours?.reloads?.ms.length ?? 0;
  return [
    {
      what: `${failed ?? "unknown"} requests lost by duwsgi during ${count} chain reloads`,
      reached: failed === 0 && count >= wantedReloads,
      counted: true,
    },
  ];
}
