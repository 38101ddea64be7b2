/**
 * Measures what the walls of the kernel (`sandbox-walls`) cost a sandboxed worker: its start, and its requests.
 *
 * @module
 */

import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import {
  ARRANGEMENTS,
  cells,
  compare,
  type Comparison,
  HEAD,
  startInstance,
} from "./comparison.ts";
import { Instance } from "./instance.ts";
import { measurePairs, type Ratio, ratioOf } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { now } from "./servers.ts";
import { requireWrk } from "./wrk.ts";

/** A start takes at most this many times as long, without the thread of a generation. */
const START_GOAL = 1.1;
/** At least this many requests per second, relative to the other side. */
const REQUESTS_GOAL = 0.99;
const STARTS = { full: 20, short: 2 } as const;
const APP = "hello_uwsgi.ts";
const SCRIPT = new URL(`./apps/${APP}`, import.meta.url);

/** A sandbox that may do nothing, with the walls or without them. */
function sandboxed(walls: "all" | "none"): readonly string[] {
  return ["--allow-net=false", `--sandbox-walls=${walls}`];
}

const REQUESTS: Comparison = {
  name: "Sandboxed workers, with walls / without",
  start: {
    ours: (cpu) => startInstance({ app: APP, processes: 2, cpu, args: sandboxed("all") }),
    theirs: (cpu) => startInstance({ app: APP, processes: 2, cpu, args: sandboxed("none") }),
  },
};

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const start = await measureStarts(STARTS[length], startAnother);
  const generation = await measureStarts(STARTS[length], startGeneration);
  const rows: (string | number)[][] = [];
  const goals: Goal[] = [startGoal(start)];
  for (const arrangement of ARRANGEMENTS) {
    const ratio = await compare(REQUESTS, arrangement, length);
    rows.push(cells(REQUESTS, arrangement, ratio));
    if (!arrangement.judged) continue;
    const times = `${ratio.median.toFixed(3)} of the requests, at least ${REQUESTS_GOAL}`;
    const reached = ratio.median >= REQUESTS_GOAL;
    goals.push({ what: `behind the walls ${times}`, reached, counted: false });
  }
  const starts = markdownTable(
    ["Until a worker accepts", "Ratio", "min – max", "Pairs", "With (ms)", "Without (ms)"],
    [
      startCells("one more of its generation", start),
      startCells("the first of a generation, with its thread", generation),
    ],
  );
  return { text: `${starts}\n\n${markdownTable(HEAD, rows)}`, goals };
}

function startGoal({ median }: Ratio): Goal {
  const times = `${median.toFixed(2)} times as long behind the walls, at most ${START_GOAL}`;
  return { what: `a start takes ${times}`, reached: median <= START_GOAL, counted: false };
}

function startCells(what: string, ratio: Ratio): (string | number)[] {
  return [
    what,
    Number(ratio.median.toFixed(2)),
    `${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)}`,
    ratio.pairs,
    Math.round(ratio.ours),
    Math.round(ratio.theirs),
  ];
}

/** Two instances with one worker each, which is started again and again. */
async function measureStarts(
  pairs: number,
  start: (instance: Instance) => Promise<number>,
): Promise<Ratio> {
  const open = (walls: "all" | "none") =>
    new Instance({ script: SCRIPT, processes: 1, args: sandboxed(walls) });
  await using ours = open("all");
  await using theirs = open("none");
  await Promise.all([ours.ready(), theirs.ready()]);
  return ratioOf(await measurePairs(pairs, (side) => start(side === "ours" ? ours : theirs)));
}

/** Milliseconds from a worker's wish to leave until its successor accepts, in the same generation. */
async function startAnother(instance: Instance): Promise<number> {
  const from = instance.events.length;
  const last = instance.events.findLast(({ event }) => event === "accepting");
  const pid = Number(last?.fields.pid);
  // Zero and below would be a group of processes.
  if (!(pid > 0)) throw new Error("No worker accepts");
  const begin = now();
  Deno.kill(pid, "SIGTERM");
  const { at } = await instance.event("accepting", from);
  await instance.event("gone", from);
  return at - begin;
}

/** Milliseconds from the moment a reload was asked for until its worker accepts. */
async function startGeneration(instance: Instance): Promise<number> {
  const from = instance.events.length;
  await instance.reload();
  const { at } = await instance.event("reloadRequested", from);
  const accepting = await instance.event("accepting", from);
  await instance.event("gone", from);
  return accepting.at - at;
}

if (import.meta.main) await runBench("walls", measure);
