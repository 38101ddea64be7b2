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

/** How long the processor time is counted, and how often memory is compared. */
const EFFORT = {
  full: { idleSeconds: 60, settleSeconds: 5, starts: 5 },
  short: { idleSeconds: 5, settleSeconds: 1, starts: 1 },
} as const;

async function measure(length: Length): Promise<Findings> {
  const { idleSeconds, settleSeconds, starts } = EFFORT[length];
  const found: { readonly ours: Memory; readonly theirs: Memory }[] = [];
  let percent = NaN;
  for (let start = 0; start < starts; start++) {
    await using instance = new Instance({ script: SCRIPT, processes: PROCESSES });
    await using idle = new Started({ command: deno("eval", IDLE) });
    await instance.ready();
    await idle.find("Idle process", (line) => line === "idle" || null);
    await seconds(settleSeconds);
    found.push({ ours: memory(instance.master.pid), theirs: memory(idle.pid) });
    if (start === 0) percent = await cpuPercent(instance.master.pid, idleSeconds);
  }
  return findings(percent, idleSeconds, found);
}

const IDLE = `console.log("idle"); setInterval(() => {}, 1e9);`;

async function cpuPercent(pid: number, length: number): Promise<number> {
  const before = cpuSeconds(pid);
  const begin = now();
  await seconds(length);
  return (cpuSeconds(pid) - before) / ((now() - begin) / 1000) * 100;
}

function findings(
  percent: number,
  idleSeconds: number,
  found: readonly { readonly ours: Memory; readonly theirs: Memory }[],
): Findings {
  const middle = (of: (pair: { ours: Memory; theirs: Memory }) => number) =>
    Number(median(found.map(of)).toFixed(1));
  const more = middle(({ ours, theirs }) => ours.rss - theirs.rss);
  const row = (name: string, of: (key: keyof Memory) => number) => [
    name,
    of("rss"),
    of("pss"),
    of("anonymous"),
  ];
  const table = markdownTable(["", "RSS (MB)", "PSS (MB)", "Anonymous (MB)"], [
    row(`Master of ${PROCESSES} workers`, (key) => middle(({ ours }) => ours[key])),
    row("`deno eval`, kept alive", (key) => middle(({ theirs }) => theirs[key])),
    row("Difference", (key) => middle(({ ours, theirs }) => ours[key] - theirs[key])),
  ]);
  const cpu = `The master used ${percent.toFixed(3)} % of one processor in ${idleSeconds} s ` +
    `without requests. Memory is the median of ${found.length} starts.`;
  return {
    text: `${cpu}\n\n${table}`,
    goals: [
      {
        what: `${percent.toFixed(3)} % of a processor, at most ${CPU_GOAL} %`,
        reached: percent <= CPU_GOAL,
        counted: false,
      },
      {
        what: `${more} MB more RSS than an idle Deno, at most ${MEMORY_GOAL} MB`,
        reached: more <= MEMORY_GOAL,
        counted: false,
      },
    ],
  };
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

if (import.meta.main) await runBench("master", measure);
