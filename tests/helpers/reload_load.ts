/**
 * Reloads an instance while clients load it, and insists that none of them loses anything.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type LoadMix, runLoad } from "./load.ts";
import type { LoadReport } from "./load/report.ts";
import type { Target } from "./load/target.ts";
import type { RunningMaster } from "./running_master.ts";

/** A listening address of the instance, as a client needs it. */
export function targetAt(address: string): Target {
  const [hostname = "", port] = address.split(":");
  return port === undefined
    ? { transport: "unix", path: address }
    : { hostname, port: Number(port) };
}

/**
 * Touches the file `reload` so many times, and waits for the end of each old worker. Two workers are
 * replaced each time.
 */
export async function reloadUnderLoad(
  running: RunningMaster,
  address: string,
  mix: LoadMix,
  reloads: number,
): Promise<LoadReport> {
  const end = new AbortController();
  const load = runLoad(targetAt(address), mix, end.signal);
  for (let i = 0; i < reloads; i++) {
    const from = running.events.length;
    running.touch("reload");
    const { outcome } = await running.waitFor("reloadFinished", () => true, from);
    assertEquals(outcome, "done");
  }
  await running.until(() => count(running, "gone") === 2 * reloads, "end of the old workers");
  end.abort();
  const report = await load;
  assertEquals(report.examples, []);
  assert(report.ok > 30, `only ${report.ok} requests`);
  assertEquals(count(running, "killing"), 0);
  return report;
}

/** How often something was logged. */
export function count(running: RunningMaster, event: string): number {
  return running.events.filter((one) => one.event === event).length;
}
