/**
 * A load client that proves that no request is lost: raw HTTP/1.1 and WebSockets, nothing retried,
 * every connection's end accounted for.
 *
 * @module
 */
import { Client } from "./load/client.ts";
import type { LoadReport } from "./load/report.ts";
import { type LoadOptions, LoadRun } from "./load/run.ts";
import { type ScenarioName, SCENARIOS } from "./load/scenario.ts";
import type { Target } from "./load/target.ts";

/** How many clients play each scenario at the same time. */
export type LoadMix = Readonly<Partial<Record<ScenarioName, number>>>;

/** When a run ends: at a signal, or after so many requests, lost or not. */
export type LoadEnd = AbortSignal | { readonly requests: number };

/** A client rests this long after a loss, in milliseconds, so that a dead server is not stormed. */
const REST_AFTER_LOSS_MS = 10;
/** How often the number of requests is looked at, in milliseconds. */
const COUNT_MS = 20;

/**
 * Loads a server, and counts what becomes of every request. Clients finish what they have begun
 * when the run ends, so it takes a little longer (at most the timeout) than `until` says.
 *
 * @param target The server, which answers as `tests/fixtures/apps/loss_handler.ts` does.
 * @param mix The clients.
 * @param until The end of the run.
 */
export async function runLoad(
  target: Target,
  mix: LoadMix,
  until: LoadEnd,
  options: LoadOptions = {},
): Promise<LoadReport> {
  const run = new LoadRun(target, options);
  const release = stopAt(run, until);
  const clients: Promise<void>[] = [];
  for (const name of Object.keys(SCENARIOS) as ScenarioName[]) {
    for (let i = 0; i < (mix[name] ?? 0); i++) clients.push(play(run, name));
  }
  try {
    await Promise.all(clients);
  } finally {
    release();
    run.finish();
  }
  return run.counters.report();
}

/** One client's life. */
async function play(run: LoadRun, name: ScenarioName): Promise<void> {
  const client = new Client(run, name);
  while (!run.stopped) {
    try {
      await SCENARIOS[name](client);
      await run.rest();
    } catch (error) {
      run.counters.fail(name, error);
      await run.pause(REST_AFTER_LOSS_MS);
    }
  }
}

function stopAt(run: LoadRun, until: LoadEnd): () => void {
  const stop = (): void => run.stop();
  if (until instanceof AbortSignal) {
    if (until.aborted) stop();
    until.addEventListener("abort", stop, { once: true });
    return () => until.removeEventListener("abort", stop);
  }
  const timer = setInterval(() => {
    if (run.counters.total >= until.requests) stop();
  }, COUNT_MS);
  return () => clearInterval(timer);
}
