/**
 * Measures what the master itself costs while nothing happens: processor time and memory.
 *
 * @module
 */

import { type Findings, type Length, runBench } from "./bench.ts";
import { Instance } from "./instance.ts";
import { median, type Pair, ratioOf, type Side } from "./pairs.ts";
import { cpuSeconds, type Memory, memory } from "./process_usage.ts";
import { markdownTable } from "./readme.ts";
import { deno, now, Started } from "./servers.ts";

const SCRIPT = new URL("./apps/hello_uwsgi.ts", import.meta.url);
const PROCESSES = 4;

/** At most so many times the processor time of a process that only looks at a file. */
const CPU_GOAL = 1.5;
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
interface MemoryPair {
  readonly ours: Memory;
  readonly theirs: Memory;
}

/** What one start has shown. */
interface Found {
  readonly soon: MemoryPair;
  readonly atRest: MemoryPair;
  /**
   * Percent of one processor: ours, and that of a Deno process that looks at one file once per second, as
   * a master with a touch file does.
   */
  readonly cpu: Pair;
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
  const pair = (): MemoryPair => ({ ours: memory(instance.master.pid), theirs: memory(idle.pid) });
  await seconds(soonSeconds);
  const soon = pair();
  await seconds(rest - soonSeconds);
  const atRest = pair();
  const used = (): Pair => ({
    ours: cpuSeconds(instance.master.pid),
    theirs: cpuSeconds(looking.pid),
  });
  const [before, begin] = [used(), now()];
  await seconds(idleSeconds);
  const [after, length] = [used(), (now() - begin) / 1000];
  const percent = (side: Side) => (after[side] - before[side]) / length * 100;
  return { soon, atRest, cpu: { ours: percent("ours"), theirs: percent("theirs") } };
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
  const { ours, theirs, median: ratio, min, max } = ratioOf(found.map(({ cpu }) => cpu));
  const cpu = `At rest, ${rest} s after its start, the master used ${ours.toFixed(3)} % of one ` +
    `processor in ${idleSeconds} s without requests; a Deno process that only looks at one file each ` +
    `second used ${theirs.toFixed(3)} %: ${ratio.toFixed(2)} times as much (${min.toFixed(2)} – ` +
    `${max.toFixed(2)}).` +
    (found.length > 1 ? ` All figures are medians of ${found.length} starts.` : "");
  return {
    text: `${cpu}\n\n${table}`,
    goals: [
      {
        what:
          `${ratio.toFixed(2)} times the processor time of a Deno process that only looks at a ` +
          `file each second, at most ${CPU_GOAL}`,
        reached: ratio <= CPU_GOAL,
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
