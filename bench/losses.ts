/**
 * Loses requests, or proves that it does not, in what a production master does to its workers beside
 * chain reloads: rollbacks, replacements of its own program, limits and scaling.
 *
 * @module
 */

import type { LoadMix } from "../tests/helpers/load.ts";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import { Changes } from "./changes.ts";
import { Instance } from "./instance.ts";
import { LoadTotals } from "./load_totals.ts";
import { grouped, loadOnce, noLoss, targetsOf, tellLosses } from "./loss_load.ts";
import { markdownTable } from "./readme.ts";
import { type Situation, SITUATIONS } from "./situations.ts";

const PROCESSES = 4;
const MERCY_SECONDS = 5;

/** Clients for each transport. */
const MIX: LoadMix = {
  "close": 2,
  "keep-alive": 2,
  "idle": 4,
  "post": 1,
  "split-header": 4,
  "pipelined": 2,
  "sse": 2,
  "websocket": 2,
};

/** For each situation: when it was played long enough, and when it has taken too long. */
const LIMITS = {
  full: { changes: 20, seconds: 40, mostSeconds: 180, roundSeconds: 10 },
  short: { changes: 2, seconds: 4, mostSeconds: 40, roundSeconds: 2 },
} as const;

/** What became of one situation. */
export interface Outcome {
  readonly situation: Pick<Situation, "name" | "changes">;
  readonly totals: LoadTotals;
  readonly changes: number;
  /** Why it could not be played on; null: it could. */
  readonly error: Error | null;
}

async function measure(length: Length): Promise<Findings> {
  const outcomes: Outcome[] = [];
  for (const situation of SITUATIONS) outcomes.push(await play(situation, length));
  return findings(outcomes, LIMITS[length].changes);
}

async function play(situation: Situation, length: Length): Promise<Outcome> {
  const { script, args, files = {}, counted, change } = situation;
  const limits = LIMITS[length];
  await using instance = new Instance({
    script,
    processes: PROCESSES,
    args: ["--socket", "%DIR%/app.sock", "--worker-reload-mercy", String(MERCY_SECONDS), ...args],
    files,
  });
  const targets = targetsOf(await instance.ready());
  const totals = new LoadTotals();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const enough = () => seconds() >= limits.seconds && instance.count(counted) >= limits.changes;
  const changing = change === null ? null : new Changes(async (round) => {
    await change(instance, round);
    return 1;
  });
  while (!enough() && !changing?.error && seconds() < limits.mostSeconds) {
    await loadOnce(targets, MIX, totals, limits.roundSeconds * 1000);
    console.error(
      `${situation.name}, ${Math.round(seconds())} s: ${totals.requests} requests, ` +
        `${instance.count(counted)} changes, ${totals.failed} failed`,
    );
  }
  // The last change, which nobody loads any more, does not count.
  const changes = instance.count(counted);
  await changing?.stop();
  tellLosses(totals.losses, instance.events);
  const error = changing?.error ?? null;
  if (error !== null) console.error(error);
  return { situation, totals, changes, error };
}

/** The table and the goals. */
export function findings(outcomes: readonly Outcome[], leastChanges: number): Findings {
  const rows = outcomes.map(({ situation, totals, changes }) => [
    situation.name,
    `${grouped(changes)} ${situation.changes}`,
    totals.requests,
    totals.failed,
  ]);
  return {
    text: markdownTable(["Situation", "Changes", "Requests", "Failed"], rows),
    goals: outcomes.flatMap((outcome) => goalsOf(outcome, leastChanges)),
  };
}

function goalsOf({ situation, totals, changes, error }: Outcome, least: number): Goal[] {
  const why = error === null ? "" : ", and then one failed";
  return [
    noLoss(totals, `: ${situation.name}`),
    {
      what: `at least ${least} changes (${grouped(changes)}${why}): ${situation.name}`,
      reached: changes >= least && error === null,
      counted: true,
    },
  ];
}

if (import.meta.main) await runBench("losses", measure);
