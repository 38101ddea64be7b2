/**
 * Compares how many requests two servers answer.
 *
 * @module
 */

import type { Length } from "./bench.ts";
import { Instance } from "./instance.ts";
import { measurePairs, type Pair, type Ratio, ratioOf, type Side } from "./pairs.ts";
import { runWrk } from "./wrk.ts";

/** A server that can be loaded. */
export interface Server extends AsyncDisposable {
  readonly address: string;
}

/** Two ways to serve the same. */
export interface Comparison {
  readonly name: string;
  readonly start: Readonly<Record<Side, (cpu: number | null) => Promise<Server>>>;
}

/** Who runs where. */
export interface Arrangement {
  readonly name: string;
  readonly serverCpu: number | null;
  readonly wrkCpu: number | null;
  readonly connections: number;
  /** Whether the goal holds for it. */
  readonly judged: boolean;
}

/** Pinned, the number says what a request costs the server. */
export const ARRANGEMENTS: readonly Arrangement[] = [
  { name: "pinned", serverCpu: 0, wrkCpu: 1, connections: 64, judged: true },
  { name: "free", serverCpu: null, wrkCpu: null, connections: 256, judged: false },
];

/** Both servers are started anew for each block of pairs. */
const EFFORT = {
  full: { blocks: 3, pairs: 3, seconds: 3, warmUpSeconds: 1 },
  short: { blocks: 1, pairs: 2, seconds: 1, warmUpSeconds: 1 },
} as const;

type Effort = (typeof EFFORT)[Length];

/** Compares the two sides. */
export async function compare(
  comparison: Comparison,
  arrangement: Arrangement,
  length: Length,
): Promise<Ratio> {
  const effort = EFFORT[length];
  const pairs: Pair[] = [];
  for (let block = 0; block < effort.blocks; block++) {
    pairs.push(...await measureBlock(comparison, arrangement, effort, pairs.length));
  }
  return ratioOf(pairs);
}

async function measureBlock(
  { start }: Comparison,
  { serverCpu, wrkCpu, connections }: Arrangement,
  effort: Effort,
  first: number,
): Promise<Pair[]> {
  await using ours = await start.ours(serverCpu);
  await using theirs = await start.theirs(serverCpu);
  const servers = { ours, theirs };
  const load = (side: Side, seconds: number) =>
    runWrk({ address: servers[side].address, connections, seconds, cpu: wrkCpu });
  await load("ours", effort.warmUpSeconds);
  await load("theirs", effort.warmUpSeconds);
  return await measurePairs(effort.pairs, (side) => load(side, effort.seconds), first);
}

/** Head of the table for {@linkcode cells}. */
export const HEAD = [
  "Compared",
  "Where",
  "Ratio",
  "min – max",
  "Pairs",
  "Ours (req/s)",
  "Theirs (req/s)",
];

/** What came of a comparison, as a line of the table. */
export function cells({ name }: Comparison, where: Arrangement, ratio: Ratio): (string | number)[] {
  return [
    name,
    `${where.name}, ${where.connections} connections`,
    Number(ratio.median.toFixed(3)),
    `${ratio.min.toFixed(3)} – ${ratio.max.toFixed(3)}`,
    ratio.pairs,
    Math.round(ratio.ours),
    Math.round(ratio.theirs),
  ];
}

/** An instance of duwsgi to be compared. */
export interface InstanceChoice {
  /** A file in `bench/apps`. */
  readonly app: string;
  readonly processes: number;
  readonly cpu: number | null;
  /** More options; `%DIR%` is its own directory. */
  readonly args?: readonly string[];
}

/** Starts an instance; `directory` is its own. */
export async function startInstance(
  { app, processes, cpu, args = [] }: InstanceChoice,
): Promise<Server & { readonly directory: string }> {
  const script = new URL(`./apps/${app}`, import.meta.url);
  const instance = new Instance({ script, processes, cpu, args });
  const [address = ""] = await instance.ready();
  const { directory } = instance;
  return { address, directory, [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose]() };
}
