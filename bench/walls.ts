/**
 * Measures what the walls of the kernel (`sandbox-walls`) cost a sandboxed worker: its start, and its requests.
 *
 * @module
 */

import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import { startInstance } from "./comparison.ts";
import { Instance } from "./instance.ts";
import { measurePairs, type Ratio, ratioOf } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { now } from "./servers.ts";
import { requireWrk, runWrk } from "./wrk.ts";

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

/** The server and wrk have a processor each. */
const [SERVER_CPU, WRK_CPU] = [0, 1];
const CONNECTIONS = 64;
/** Instances differ by more than the walls cost, so each pair has two of its own. */
const REQUESTS = {
  full: { pairs: 15, warmUpSeconds: 1, seconds: 3 },
  short: { pairs: 2, warmUpSeconds: 1, seconds: 1 },
} as const;

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const start = await measureStarts(STARTS[length], startAnother);
  const generation = await measureStarts(STARTS[length], startGeneration);
  const requests = await measureRequests(length);
  const times = `${requests.median.toFixed(3)} of the requests, at least ${REQUESTS_GOAL}`;
  const goals: Goal[] = [startGoal(start), {
    what: `behind the walls ${times}`,
    reached: requests.median >= REQUESTS_GOAL,
    counted: false,
  }];
  const starts = markdownTable(
    ["Until a worker accepts", "Ratio", "min – max", "Pairs", "With (ms)", "Without (ms)"],
    [
      startCells("one more of its generation", start),
      startCells("the first of a generation, with its thread", generation),
    ],
  );
  const answered = markdownTable(
    ["Requests per second", "Ratio", "min – max", "Pairs", "With", "Without"],
    [["one worker, pinned", Number(requests.median.toFixed(3)), ...cellsOf(requests)]],
  );
  return { text: `${starts}\n\n${answered}`, goals };
}

function startGoal({ median }: Ratio): Goal {
  const times = `${median.toFixed(2)} times as long behind the walls, at most ${START_GOAL}`;
  return { what: `a start takes ${times}`, reached: median <= START_GOAL, counted: false };
}

function startCells(what: string, ratio: Ratio): (string | number)[] {
  return [what, Number(ratio.median.toFixed(2)), ...cellsOf(ratio)];
}

function cellsOf({ min, max, pairs, ours, theirs }: Ratio): (string | number)[] {
  return [`${min.toFixed(2)} – ${max.toFixed(2)}`, pairs, Math.round(ours), Math.round(theirs)];
}

/** Requests that one worker answers per second, with walls and without. */
async function measureRequests(length: Length): Promise<Ratio> {
  const { pairs, warmUpSeconds, seconds } = REQUESTS[length];
  return ratioOf(
    await measurePairs(pairs, async (side) => {
      const args = sandboxed(side === "ours" ? "all" : "none");
      const choice = { app: APP, processes: 1, cpu: SERVER_CPU, args };
      await using server = await startInstance(choice);
      const load = { address: server.address, connections: CONNECTIONS, cpu: WRK_CPU };
      await runWrk({ ...load, seconds: warmUpSeconds });
      return await runWrk({ ...load, seconds });
    }),
  );
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
