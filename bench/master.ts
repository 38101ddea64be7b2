/**
 * Measures what the master itself costs while nothing happens: processor time and memory.
 *
 * @module
 */

import { type Findings, type Length, runBench } from "./bench.ts";
import { Instance } from "./instance.ts";
import { median } from "./pairs.ts";
import { cpuSeconds, type Memory, memory } from "./process_usage.ts";
import { markdownTable } from "./readme.ts";
import { deno, now, Started } from "./servers.ts";

const SCRIPT = new URL("./apps/hello_uwsgi.ts", import.meta.url);
const PROCESSES = 4;

/** At most so much of one processor, in percent. */
const CPU_GOAL = 0.1;
/** At most so much more than a Deno process that does nothing, in MB. */
const MEMORY_GOAL = 15;

/**
 * When memory is read, in seconds after the start: soon, and at rest, when V8 has collected what starts
 * leave behind. From then on processor time is counted.
 */
const EFFORT = {
  full: { soon: 5, rest: 60, idleSeconds: 60, starts: 3 },
  short: { soon: 1, rest: 2, idleSeconds: 5, starts: 1 },
} as const;

const IDLE = `console.log("idle"); setInterval(() => {}, 1e9);`;
const LOOKING = `console.log("idle"); setInterval(() => Deno.statSync("."), 1000);`;

async function measure(length: Length): Promise<Findings> {
  const effort = EFFORT[length];
  // A cache of their own: of one that other programs have filled, more is mapped with each entry.
  const cache = Deno.makeTempDirSync({ prefix: "duwsgi-bench-cache-" });
  try {
    const env = { DENO_DIR: cache };
    // What it compiles is in the cache from the second start on.
    await using first = startMaster(env);
    await first.ready();
    await first.master.end();
    const found: Found[] = [];
    for (let start = 0; start < effort.starts; start++) found.push(await measureOnce(env, effort));
    return findings(found, effort);
  } finally {
    Deno.removeSync(cache, { recursive: true });
  }
}

type Effort = (typeof EFFORT)[Length];
type Environment = Readonly<Record<string, string>>;

/** A master, and a Deno process that does nothing. */
interface Pair {
  readonly ours: Memory;
  readonly theirs: Memory;
}

/** What one start has shown. */
interface Found {
  readonly soon: Pair;
  readonly atRest: Pair;
  /** Percent of one processor. */
  readonly master: number;
  /** Of a Deno process that looks at one file once per second, as a master with a touch file does. */
  readonly looking: number;
}

function startMaster(env: Environment): Instance {
  return new Instance({ script: SCRIPT, processes: PROCESSES, env });
}

async function measureOnce(env: Environment, effort: Effort): Promise<Found> {
  const { soon: soonSeconds, rest, idleSeconds } = effort;
  await using instance = startMaster(env);
  await using idle = new Started({ command: deno("eval", IDLE), env });
  await using looking = new Started({ command: deno("eval", LOOKING), env });
  await instance.ready();
  for (const one of [idle, looking]) {
    await one.find("Idle process", (line) => line === "idle" || null);
  }
  const pair = (): Pair => ({ ours: memory(instance.master.pid), theirs: memory(idle.pid) });
  await seconds(soonSeconds);
  const soon = pair();
  await seconds(rest - soonSeconds);
  const atRest = pair();
  const pids = [instance.master.pid, looking.pid];
  const before = pids.map(cpuSeconds);
  const begin = now();
  await seconds(idleSeconds);
  const length = (now() - begin) / 1000;
  const [master = NaN, other = NaN] = pids.map((pid, i) =>
    (cpuSeconds(pid) - (before[i] ?? NaN)) / length * 100
  );
  return { soon, atRest, master, looking: other };
}

function findings(found: readonly Found[], { soon, rest, idleSeconds }: Effort): Findings {
  const middle = (of: (one: Found) => number) => median(found.map(of));
  const row = (name: string, of: (one: Found, key: keyof Memory) => number) => [
    name,
    ...(["rss", "pss", "anonymous"] as const).map((key) =>
      Number(middle((one) => of(one, key)).toFixed(1))
    ),
  ];
  const more = middle(({ atRest: { ours, theirs } }) => ours.rss - theirs.rss).toFixed(1);
  const table = markdownTable(["", "RSS (MB)", "PSS (MB)", "Anonymous (MB)"], [
    row(`Master of ${PROCESSES} workers, at rest`, ({ atRest }, key) => atRest.ours[key]),
    row("`deno eval`, kept alive, at rest", ({ atRest }, key) => atRest.theirs[key]),
    row("Difference at rest", ({ atRest }, key) => atRest.ours[key] - atRest.theirs[key]),
    row(
      `Difference ${soon} s after the start`,
      ({ soon }, key) => soon.ours[key] - soon.theirs[key],
    ),
  ]);
  const [master, looking] = [middle(({ master }) => master), middle(({ looking }) => looking)];
  const cpu = `At rest, ${rest} s after its start, the master used ${master.toFixed(3)} % of one ` +
    `processor in ${idleSeconds} s without requests; a Deno process that only looks at one file each ` +
    `second used ${looking.toFixed(3)} %. All figures are medians of ${found.length} starts.`;
  return {
    text: `${cpu}\n\n${table}`,
    goals: [
      {
        what: `${master.toFixed(3)} % of a processor, at most ${CPU_GOAL} %`,
        reached: master <= CPU_GOAL,
        counted: false,
      },
      {
        what: `${more} MB more RSS than an idle Deno, at most ${MEMORY_GOAL} MB`,
        reached: Number(more) <= MEMORY_GOAL,
        counted: false,
      },
    ],
  };
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

if (import.meta.main) await runBench("master", measure);
