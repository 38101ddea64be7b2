/**
 * Measures what it costs to be seen: requests per second with everything counted and the stats read each
 * second, compared with the same worker that counts nothing; and how long an answer takes when there is
 * no processor to spare.
 *
 * @module
 */

import { fromFileUrl } from "../lib/paths.ts";
import { pause } from "../lib/system/timing.ts";
import { connectTo, readAll } from "../tests/helpers/stats.ts";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import {
  ARRANGEMENTS,
  cells,
  compare,
  type Comparison,
  HEAD,
  type Server,
  startInstance,
} from "./comparison.ts";
import { median } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { requireWrk, runWrk } from "./wrk.ts";

/** At least this many requests per second, relative to those of a worker that counts nothing. */
const GOAL = 0.97;
/** An answer takes no longer than this. */
const ANSWER_GOAL_MS = 50;
/** How often the stats are read while requests are counted. */
const SCRAPE_MS = 1_000;

const COMPARISON: Comparison = {
  name: "everything counted, stats read each second / nothing counted, 2 workers",
  start: {
    ours: startScraped,
    theirs: (cpu) => startInstance({ app: "hello_uncounted.ts", processes: 2, cpu }),
  },
};

const SEEN = ["--stats", "%DIR%/stats.sock", "--enable-metrics"];

/** How many answers are timed, and how far apart. */
const ANSWERS = {
  full: { count: 200, everyMs: 100 },
  short: { count: 5, everyMs: 100 },
} as const;

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const rows: (string | number)[][] = [];
  const goals: Goal[] = [];
  for (const arrangement of ARRANGEMENTS) {
    const ratio = await compare(COMPARISON, arrangement, length);
    rows.push(cells(COMPARISON, arrangement, ratio));
    console.error(`${arrangement.name}: ${ratio.median.toFixed(3)}`);
    if (!arrangement.judged) continue;
    const what = `${ratio.median.toFixed(3)} of the requests, at least ${GOAL}`;
    goals.push({ what, reached: ratio.median >= GOAL, counted: false });
  }
  const { master, bare } = await timeAnswers(ANSWERS[length]);
  const slowest = Math.max(...master);
  const what = `the slowest of ${master.length} answers after ${slowest.toFixed(1)} ms, at most ` +
    `${ANSWER_GOAL_MS} ms`;
  goals.push({ what, reached: slowest <= ANSWER_GOAL_MS, counted: false });
  const row = (who: string, times: readonly number[]) => [
    who,
    times.length,
    Number(median(times).toFixed(1)),
    Number(Math.max(...times).toFixed(1)),
  ];
  const answers = markdownTable(["Who answers", "Answers", "Median (ms)", "Slowest (ms)"], [
    row("The master, with its stats", master),
    row("A process that does nothing else, with as many bytes", bare),
  ]);
  return { text: `${markdownTable(HEAD, rows)}\n\n${answers}`, goals };
}

/** An instance that somebody looks at all the time. */
async function startScraped(cpu: number | null): Promise<Server> {
  const instance = await startInstance({ app: "hello_uwsgi.ts", processes: 2, cpu, args: SEEN });
  const address = `${instance.directory}/stats.sock`;
  const scrapes = setInterval(() => void readAll(address), SCRAPE_MS);
  return {
    address: instance.address,
    [Symbol.asyncDispose]: async () => {
      clearInterval(scrapes);
      await instance[Symbol.asyncDispose]();
    },
  };
}

/** Times answers while the workers and wrk want more processors than there are. */
async function timeAnswers(
  { count, everyMs }: { readonly count: number; readonly everyMs: number },
): Promise<{ readonly master: readonly number[]; readonly bare: readonly number[] }> {
  const processes = Math.max(4, navigator.hardwareConcurrency);
  await using instance = await startInstance({
    app: "hello_uwsgi.ts",
    processes,
    cpu: null,
    args: SEEN,
  });
  const stats = `${instance.directory}/stats.sock`;
  const other = `${instance.directory}/bare.sock`;
  const { length } = await readAll(stats);
  const app = fromFileUrl(new URL("apps/bare_answer.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", app, other, String(length)],
  }).spawn();
  const [master, bare]: number[][] = [[], []];
  try {
    await until(() => timeAnswer(other));
    // Each answer is asked for in turn, so that both meet the same load.
    const seconds = Math.ceil(2 * count * everyMs / 1000) + 2;
    const load = runWrk({ address: instance.address, connections: 256, seconds, cpu: null });
    await pause(1_000);
    for (let i = 0; i < count; i++) {
      master?.push(await timeAnswer(stats));
      await pause(everyMs);
      bare?.push(await timeAnswer(other));
      await pause(everyMs);
    }
    await load;
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  return { master: master ?? [], bare: bare ?? [] };
}

/** Tries again until it works. */
async function until(act: () => Promise<unknown>): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      await act();
      return;
    } catch (error) {
      if (tries === 200) throw error;
      await pause(50);
    }
  }
}

/** From the connect to the end of the answer, in milliseconds. */
async function timeAnswer(address: string): Promise<number> {
  const before = performance.now();
  using client = await connectTo(address);
  const chunk = new Uint8Array(65_536);
  while (await client.read(chunk) !== null);
  return performance.now() - before;
}

if (import.meta.main) await runBench("stats", measure);
