/**
 * Measures what the log costs: a request when it is logged, and a call of `uwsgi.log()`.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path/posix";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import { MAIN } from "./instance.ts";
import { measurePairs, median, type Pair, type Ratio, ratioOf, type Side } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { deno, Started } from "./servers.ts";
import { requireWrk, runWrk } from "./wrk.ts";

/** At least this many of the requests per second that are served without a request log. */
const REQUESTS_GOAL = 0.85;
/** A call of `uwsgi.log()` takes less than this, in microseconds. */
const LOG_GOAL_US = 2;

/** A request log, and whether the goal holds for it. */
interface Kind {
  readonly name: string;
  readonly options: readonly string[];
  readonly judged: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "default line", options: ["--log-requests"], judged: true },
  {
    name: "`log-format`, with two headers",
    options: [
      "--log-format",
      '%(addr) [%(ltime)] "%(method) %(uri)" %(status) %(rsize) "%(referer)" "%(uagent)"',
    ],
    judged: false,
  },
  {
    name: "`log-5xx`, which none matches",
    options: ["--disable-logging", "--log-5xx"],
    judged: false,
  },
];

const CONNECTIONS = 64;

/** Both instances are started anew for each block of pairs. */
const EFFORT = {
  full: { blocks: 3, pairs: 11, seconds: 1, warmUpSeconds: 2, calls: 9 },
  short: { blocks: 1, pairs: 1, seconds: 1, warmUpSeconds: 1, calls: 2 },
} as const;

type Effort = (typeof EFFORT)[Length];

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const effort = EFFORT[length];
  const rows: (string | number)[][] = [];
  const goals: Goal[] = [];
  for (const kind of KINDS) {
    const ratio = await compare(kind, effort);
    rows.push(cells(kind, ratio));
    console.error(`${kind.name}: ${ratio.median.toFixed(3)}`);
    if (!kind.judged) continue;
    const what = `${ratio.median.toFixed(3)} of the requests with a request log (${kind.name}), ` +
      `at least ${REQUESTS_GOAL}`;
    goals.push({ what, reached: ratio.median >= REQUESTS_GOAL, counted: false });
  }
  const { log: us, bare } = await timeOfCall(effort);
  const what = `${us.toFixed(2)} µs for a call of uwsgi.log(), less than ${LOG_GOAL_US}`;
  goals.push({ what, reached: us < LOG_GOAL_US, counted: false });
  const head = ["Request log", "Ratio", "min – max", "Pairs", "With (req/s)", "Without (req/s)"];
  const text = `A call of \`uwsgi.log()\` takes ${us.toFixed(2)} µs, ` +
    `write(2) alone for the same line ${bare.toFixed(2)} µs.`;
  return { text: `${markdownTable(head, rows)}\n\n${text}`, goals };
}

async function compare(kind: Kind, effort: Effort): Promise<Ratio> {
  const pairs: Pair[] = [];
  for (let block = 0; block < effort.blocks; block++) {
    await using ours = await startLogging("hello_uwsgi.ts", kind.options);
    await using theirs = await startLogging("hello_uwsgi.ts", []);
    const servers = { ours, theirs };
    const load = (side: Side, seconds: number) =>
      runWrk({ address: servers[side].address, connections: CONNECTIONS, seconds, cpu: 1 });
    await load("ours", effort.warmUpSeconds);
    await load("theirs", effort.warmUpSeconds);
    pairs.push(
      ...await measurePairs(effort.pairs, (side) => load(side, effort.seconds), pairs.length),
    );
  }
  return ratioOf(pairs);
}

function cells({ name }: Kind, ratio: Ratio): (string | number)[] {
  return [
    name,
    Number(ratio.median.toFixed(3)),
    `${ratio.min.toFixed(3)} – ${ratio.max.toFixed(3)}`,
    ratio.pairs,
    Math.round(ratio.ours),
    Math.round(ratio.theirs),
  ];
}

/** What a line takes, in microseconds. */
interface LineTime {
  readonly log: number;
  /** As write(2) alone. */
  readonly bare: number;
}

/** The medians of several times many calls. The first times are not counted. */
async function timeOfCall({ calls }: Effort): Promise<LineTime> {
  await using instance = await startLogging("log_lines.ts", []);
  const times: LineTime[] = [];
  for (let call = -1; call < calls; call++) {
    const response = await fetch(`http://${instance.address}/`);
    const time: LineTime = await response.json();
    if (call >= 0) times.push(time);
  }
  return { log: median(times.map(({ log }) => log)), bare: median(times.map(({ bare }) => bare)) };
}

/** Where an instance listens, and how to end it. */
interface Logging extends AsyncDisposable {
  readonly address: string;
}

/** Starts an instance with one worker whose standard error is a file, on one processor. */
async function startLogging(app: string, options: readonly string[]): Promise<Logging> {
  const directory = Deno.makeTempDirSync({ prefix: "duwsgi-bench-" });
  const log = join(directory, "log.txt");
  const script = fromFileUrl(new URL(`./apps/${app}`, import.meta.url));
  const own = ["--http-socket", "127.0.0.1:0", "--deno-worker-override", script];
  const master = new Started({
    command: [
      ...["sh", "-c", 'exec "$@" 2> log.txt', "sh"],
      ...deno("run", "-A", MAIN, ...own, ...options),
    ],
    cpu: 0,
    directory,
    env: { TMPDIR: directory },
  });
  return { address: await addressIn(log), [Symbol.asyncDispose]: () => master.end() };
}

/** How long a start may take (30 s): only failures take that long. */
const PATIENCE_MS = 30_000;

/** The address of the only socket, as soon as the log says that the worker accepts. */
async function addressIn(log: string): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const text = await Deno.readTextFile(log).catch(() => "");
    const address = / Socket http:\/\/(\S+)\n/.exec(text)?.[1];
    if (address !== undefined && / accepting after /.test(text)) return address;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The instance did not start: see ${log}`);
}

if (import.meta.main) await runBench("request-log", measure);
