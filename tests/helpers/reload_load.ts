/**
 * Loads instances while they are reloaded, and insists that none of the clients loses anything.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type LoadMix, runLoad } from "./load.ts";
import type { LoadReport } from "./load/report.ts";
import type { Target } from "./load/target.ts";
import type { RunningMaster } from "./running_master.ts";

/**
 * How long clients rest each time, at most (10 ms): long enough to leave the processors to the
 * instance and to the tests beside this one, and short enough for hundreds of requests in each reload.
 */
const REST_MS = 10;

/** A listening address of the instance, as a client needs it. */
export function targetAt(address: string): Target {
  const [hostname = "", port] = address.split(":");
  return port === undefined
    ? { transport: "unix", path: address }
    : { hostname, port: Number(port) };
}

/**
 * Loads all of these with the same clients, until `end` says that it is enough.
 *
 * @param restMs How long a client rests each time, at most; 0: it takes all the processors it can get.
 * @throws {AssertionError} If one request was lost, or there were not 100 of them at each of the targets.
 */
export async function loseNothing(
  targets: readonly Target[],
  mix: LoadMix,
  end: AbortSignal,
  restMs: number = REST_MS,
): Promise<readonly LoadReport[]> {
  const reports = await Promise.all(
    targets.map((target) => runLoad(target, mix, end, { restMs })),
  );
  for (const { examples, ok } of reports) {
    assertEquals(examples, []);
    assert(ok > 100, `only ${ok} requests`);
  }
  return reports;
}

/**
 * Touches the file `reload` so many times, and waits for the end of each old worker. Two workers are
 * replaced each time.
 *
 * @returns The processes that have answered.
 */
export async function reloadUnderLoad(
  running: RunningMaster,
  address: string,
  mix: LoadMix,
  reloads: number,
): Promise<ReadonlySet<number>> {
  const end = new AbortController();
  const load = loseNothing([targetAt(address)], mix, end.signal);
  for (let i = 0; i < reloads; i++) {
    assertEquals((await running.reload()).outcome, "done");
  }
  await running.until(() => running.count("gone") === 2 * reloads, "end of the old workers");
  end.abort();
  const reports = await load;
  assertEquals(running.count("killing"), 0);
  return new Set(reports.flatMap(({ pids }) => [...pids]));
}
