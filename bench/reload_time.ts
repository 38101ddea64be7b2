/**
 * Measures how long it takes to replace a worker and to start an instance, compared with a bare
 * `deno run` of the same script.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path/posix";
import { bundle } from "../tools/bundle.ts";
import type { BackgroundLoad } from "./background_load.ts";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import { Instance, MAIN } from "./instance.ts";
import { measurePairs, type Pair, type Ratio, ratioOf } from "./pairs.ts";
import { markdownTable } from "./readme.ts";
import { deno, now, Started, untilAnswers } from "./servers.ts";

/** At most this many times as long as a bare `deno run`. */
const GOAL = 2.5;
const PROCESSES = 4;
const PAIRS = { full: 25, short: 2 } as const;

/** An app as a worker's script, and alone. */
interface App {
  readonly script: URL;
  readonly alone: URL;
}

const APP: App = {
  script: new URL("../tests/fixtures/apps/loss_app.ts", import.meta.url),
  alone: new URL("./apps/loss_alone.ts", import.meta.url),
};
/** One that has a library to load: what duwsgi adds is the same for every app. */
const LIBRARY_APP: App = {
  script: new URL("./apps/library_uwsgi.ts", import.meta.url),
  alone: new URL("./apps/library_alone.ts", import.meta.url),
};
const LOAD = fromFileUrl(new URL("./background_load.ts", import.meta.url));

async function measure(length: Length): Promise<Findings> {
  const pairs = PAIRS[length];
  const { replacing, load } = await measureReplacing(pairs);
  const bundled = await measureBundled(pairs);
  const { whole, workersOnly } = await measureStarting(APP, MAIN, pairs);
  const library = await measureStarting(LIBRARY_APP, MAIN, pairs);
  const four = `${PROCESSES} × \`deno run\``;
  const rows = [
    cells("One worker replaced, under load", "one `deno run`, same load", replacing),
    cells(`Instance with ${PROCESSES} workers, bundled: exec to ready`, four, bundled.whole),
    cells("The same from the sources", four, whole),
    cells("From the sources, without the master's own boot", four, workersOnly),
    cells("From the sources, with an app that imports a library", four, library.whole),
  ];
  const head = ["Ours", "Theirs", "Ratio", "min – max", "Pairs", "Ours (ms)", "Theirs (ms)"];
  const { requestsPerSecond, failed } = load;
  const about = `Load while replacing: ${requestsPerSecond} requests/s, ${failed} failed.`;
  return {
    text: `${markdownTable(head, rows)}\n\n${about}`,
    goals: [
      goal(`replacing a worker`, replacing),
      goal(`starting a bundled instance`, bundled.whole),
      goal(`starting an instance from the sources`, whole),
      { what: `${failed} requests lost meanwhile`, reached: failed === 0, counted: true },
    ],
  };
}

function goal(what: string, { median }: Ratio): Goal {
  const times = `${median.toFixed(2)} times as long as \`deno run\`, at most ${GOAL}`;
  return { what: `${what} takes ${times}`, reached: median <= GOAL, counted: false };
}

function cells(ours: string, theirs: string, ratio: Ratio): (string | number)[] {
  return [
    ours,
    theirs,
    Number(ratio.median.toFixed(2)),
    `${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)}`,
    ratio.pairs,
    Math.round(ratio.ours),
    Math.round(ratio.theirs),
  ];
}

async function measureReplacing(
  pairs: number,
): Promise<{ readonly replacing: Ratio; readonly load: BackgroundLoad }> {
  const args = ["--worker-reload-mercy", "5"];
  await using instance = new Instance({ script: APP.script, processes: PROCESSES, args });
  const [address = ""] = await instance.ready();
  await using load = new Started({ command: deno("run", "-A", LOAD, address) });
  await load.find("Load", (line) => line === "Loading" || null);
  const measured = await measurePairs(
    pairs,
    (side) => side === "ours" ? replaceWorkers(instance) : startOneByOne(),
  );
  load.signal("SIGTERM");
  const result = JSON.parse((await load.output()).split("\n").at(-1) ?? "") as BackgroundLoad;
  return { replacing: ratioOf(measured), load: result };
}

/**
 * Milliseconds for each worker of a chain reload: from the moment the touched file was noticed until the
 * last new worker accepted, by the master's log. In between, nothing but replacing happens.
 */
async function replaceWorkers(instance: Instance): Promise<number> {
  const from = instance.events.length;
  await instance.reload();
  const events = instance.events.slice(from);
  const started = events.find(({ event }) => event === "reloadRequested")?.at ?? NaN;
  const accepting = events.filter(({ event }) => event === "accepting");
  if (accepting.length !== PROCESSES) throw new Error("Not every worker was replaced once");
  // Until the old workers have gone, neither side can be measured as if it were alone with the load.
  await instance.until(() =>
    instance.events.slice(from).filter(({ event }) => event === "gone").length === PROCESSES
  );
  return (Math.max(...accepting.map(({ at }) => at)) - started) / PROCESSES;
}

/** Milliseconds from the start of a `deno run` until it answered, the mean of as many in turn. */
async function startOneByOne(): Promise<number> {
  let sum = 0;
  for (let i = 0; i < PROCESSES; i++) sum += await startBare(APP.alone, 1);
  return sum / PROCESSES;
}

/** Milliseconds until `count` bare servers that are started at once have all answered. */
async function startBare(script: URL, count: number): Promise<number> {
  const command = deno("run", "-A", fromFileUrl(script));
  const begin = now();
  const servers = Array.from({ length: count }, () => new Started({ command }));
  await Promise.all(servers.map(untilAnswers));
  const took = now() - begin;
  await Promise.all(servers.map((server) => server.end()));
  return took;
}

/** What {@linkcode measureStarting} measures, of what `deno task bundle` writes. */
async function measureBundled(pairs: number): ReturnType<typeof measureStarting> {
  const directory = await Deno.makeTempDir({ prefix: "duwsgi-bench-" });
  try {
    await bundle(directory);
    return await measureStarting(APP, join(directory, "main.js"), pairs);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function measureStarting(
  { script, alone }: App,
  main: string,
  pairs: number,
): Promise<{ readonly whole: Ratio; readonly workersOnly: Ratio }> {
  const withoutBoot: number[] = [];
  const whole = await measurePairs(pairs, async (side) => {
    if (side === "theirs") return await startBare(alone, PROCESSES);
    const { wholeMs, workersMs } = await startInstance(script, main);
    withoutBoot.push(workersMs);
    return wholeMs;
  });
  const workersOnly = whole.map<Pair>((pair, i) => ({ ...pair, ours: withoutBoot[i] ?? NaN }));
  return { whole: ratioOf(whole), workersOnly: ratioOf(workersOnly) };
}

/** From the exec of the master, and from its first worker's, until all workers accept. */
async function startInstance(
  script: URL,
  main: string,
): Promise<{ readonly wholeMs: number; readonly workersMs: number }> {
  await using instance = new Instance({ script, main, processes: PROCESSES });
  await instance.ready();
  const { at, fields } = await instance.event("ready");
  return { wholeMs: at - instance.master.startedAt, workersMs: Number(fields.afterMs) };
}

if (import.meta.main) await runBench("reload-time", measure);
