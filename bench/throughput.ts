/**
 * Measures what serving through duwsgi costs a request, compared with the same server without it.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import { Instance } from "./instance.ts";
import { measurePairs, type Pair, type Ratio, ratioOf, type Side } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { deno, Started, untilAnswers } from "./servers.ts";
import { requireWrk, runWrk } from "./wrk.ts";

/** At least this many requests per second, relative to the other side. */
const GOAL = 0.97;

/** A server that can be loaded. */
interface Server extends AsyncDisposable {
  readonly address: string;
}

/** Two ways to serve the same. */
interface Comparison {
  readonly name: string;
  readonly start: Readonly<Record<Side, (cpu: number | null) => Promise<Server>>>;
}

const COMPARISONS: readonly Comparison[] = [
  {
    name: "`uwsgi.serve`, 2 workers / `deno serve --parallel`, 2 threads",
    start: {
      ours: (cpu) => startInstance("hello_uwsgi.ts", 2, cpu),
      theirs: (cpu) =>
        startAlone(["serve", "-A", "--parallel", "--host", "127.0.0.1", "--port", "0"], {
          script: "hello_serve.ts",
          cpu,
          env: { DENO_JOBS: "2" },
        }),
    },
  },
  {
    name: "`node:http` on the inherited socket, 1 worker / the same server alone",
    start: {
      ours: (cpu) => startInstance("node_http_uwsgi.ts", 1, cpu),
      theirs: (cpu) => startAlone(["run", "-A"], { script: "node_http_alone.ts", cpu }),
    },
  },
];

/** Who runs where. */
interface Arrangement {
  readonly name: string;
  readonly serverCpu: number | null;
  readonly wrkCpu: number | null;
  readonly connections: number;
  /** Whether the goal holds for it. */
  readonly judged: boolean;
}

const ARRANGEMENTS: readonly Arrangement[] = [
  { name: "pinned", serverCpu: 0, wrkCpu: 1, connections: 64, judged: true },
  { name: "free", serverCpu: null, wrkCpu: null, connections: 256, judged: false },
];

/** Both servers are started anew for each block of pairs. */
const EFFORT = {
  full: { blocks: 3, pairs: 3, seconds: 3, warmUpSeconds: 1 },
  short: { blocks: 1, pairs: 2, seconds: 1, warmUpSeconds: 1 },
} as const;

type Effort = (typeof EFFORT)[Length];

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const rows: (string | number)[][] = [];
  const goals: Goal[] = [];
  for (const comparison of COMPARISONS) {
    for (const arrangement of ARRANGEMENTS) {
      const ratio = await compare(comparison, arrangement, EFFORT[length]);
      rows.push(cells(comparison, arrangement, ratio));
      console.error(`${comparison.name}, ${arrangement.name}: ${ratio.median.toFixed(3)}`);
      if (!arrangement.judged) continue;
      const what = `${comparison.name}: ${
        ratio.median.toFixed(3)
      } of the requests, at least ${GOAL}`;
      goals.push({ what, reached: ratio.median >= GOAL, counted: false });
    }
  }
  const head = [
    "Compared",
    "Where",
    "Ratio",
    "min – max",
    "Pairs",
    "Ours (req/s)",
    "Theirs (req/s)",
  ];
  return { text: markdownTable(head, rows), goals };
}

async function compare(
  comparison: Comparison,
  arrangement: Arrangement,
  effort: Effort,
): Promise<Ratio> {
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

function cells({ name }: Comparison, where: Arrangement, ratio: Ratio): (string | number)[] {
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

async function startInstance(app: string, processes: number, cpu: number | null): Promise<Server> {
  const script = new URL(`./apps/${app}`, import.meta.url);
  const instance = new Instance({ script, processes, cpu });
  const [address = ""] = await instance.ready();
  return { address, [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose]() };
}

async function startAlone(
  args: readonly string[],
  { script, cpu, env = {} }: {
    readonly script: string;
    readonly cpu: number | null;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Server> {
  const path = fromFileUrl(new URL(`./apps/${script}`, import.meta.url));
  const server = new Started({ command: deno(...args, path), cpu, env });
  const address = await untilAnswers(server);
  return { address, [Symbol.asyncDispose]: () => server.end() };
}

if (import.meta.main) await runBench("throughput", measure);
