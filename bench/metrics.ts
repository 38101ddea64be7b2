/**
 * Measures what the functions of metrics cost in a worker.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import { type Findings, type Length, runBench } from "./bench.ts";
import { Instance } from "./instance.ts";
import { markdownTable } from "./readme.ts";

const SCRIPT = new URL("./apps/metrics.ts", import.meta.url);
const MULE = fromFileUrl(new URL("./apps/metrics_mule.ts", import.meta.url));

/** At most this many nanoseconds for each function, when nobody else changes the metric. */
const GOAL_NS = 100;

/** Calls in a row, nine times for each function. */
const ROUNDS = { full: 2_000_000, short: 20_000 } as const;

const METRICS = [
  "app.subject",
  "app.wanted",
  "app.busy",
  "name=app.sizes,type=histogram,bounds=1;4;16;64;256",
];

/** Nanoseconds by function. */
type Costs = Readonly<Record<string, number>>;

async function measure(length: Length): Promise<Findings> {
  await using instance = new Instance({
    script: SCRIPT,
    processes: 1,
    args: [...METRICS.flatMap((metric) => ["--metric", metric]), "--mule", MULE],
  });
  const [address = ""] = await instance.ready();
  const url = `http://${address}/?rounds=${ROUNDS[length]}`;
  const alone = await ask(url);
  return findings(alone, await ask(`${url}&disturbed`));
}

async function ask(url: string): Promise<Costs> {
  // A connection that stays would keep the worker when it is to end.
  const response = await fetch(url, { headers: { connection: "close" } });
  if (!response.ok) throw new Error(`The worker answers ${response.status}`);
  return await response.json();
}

function findings(alone: Costs, disturbed: Costs): Findings {
  const names = Object.keys(alone);
  const [slowest = "", cost = NaN] = Object.entries(alone).toSorted(([, a], [, b]) => b - a)[0] ??
    [];
  const rows = names.map((name) => [
    `\`${name.replace(/,.*/, "")}\`${/,.*/.exec(name)?.[0] ?? ""}`,
    shown(alone[name]),
    shown(disturbed[name]),
  ]);
  return {
    text: markdownTable(["Function", "Alone (ns)", "Disturbed (ns)"], rows),
    goals: [{
      what: `${slowest} takes ${shown(cost)} ns, the others less; less than ${GOAL_NS}`,
      reached: cost < GOAL_NS,
      counted: false,
    }],
  };
}

function shown(nanoseconds = NaN): number {
  return Number(nanoseconds.toFixed(1));
}

if (import.meta.main) await runBench("metrics", measure);
