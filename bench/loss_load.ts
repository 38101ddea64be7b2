/**
 * The load of the benches that look for lost requests: every scenario on a TCP and a Unix socket.
 *
 * @module
 */

import { type LoadMix, runLoad } from "../tests/helpers/load.ts";
import type { Target } from "../tests/helpers/load/target.ts";
import type { Goal } from "./bench.ts";
import type { InstanceEvent } from "./log_line.ts";
import type { LoadTotals, Loss } from "./load_totals.ts";

/** Where the load goes, by the name of the transport. */
export type Targets = readonly (readonly [transport: string, target: Target])[];

/** What a lost request is shown with: what the master logged in the 2 s before. */
const CONTEXT_MS = 2_000;

/** The sockets of an instance with a TCP socket and a Unix socket, in this order. */
export function targetsOf([tcp = "", unix = ""]: readonly string[]): Targets {
  return [
    ["TCP", { hostname: "127.0.0.1", port: Number(tcp.slice(tcp.lastIndexOf(":") + 1)) }],
    ["Unix", { transport: "unix", path: unix }],
  ];
}

/** Loads all targets for some time, and adds up what became of it. */
export async function loadOnce(
  targets: Targets,
  mix: LoadMix,
  totals: LoadTotals,
  ms: number,
): Promise<void> {
  const startedAt = Date.now();
  const end = AbortSignal.timeout(ms);
  const reports = await Promise.all(targets.map(([, target]) => runLoad(target, mix, end)));
  targets.forEach(([transport], i) => {
    const report = reports[i];
    if (report !== undefined) totals.add(transport, startedAt, report);
  });
}

/** Prints each lost request with its time and what the master logged just before. */
export function tellLosses(losses: readonly Loss[], events: readonly InstanceEvent[]): void {
  for (const { scenario, transport, kind, at, detail } of losses) {
    console.error(`\nLost at ${clock(at)}: ${scenario} over ${transport}, ${kind}: ${detail}`);
    for (const event of eventsBefore(at, events)) {
      console.error(`    ${clock(event.at)} ${event.message}`);
    }
  }
}

/** What was logged in the 2 s before a time, and shortly after it. */
export function eventsBefore(
  at: number,
  events: readonly InstanceEvent[],
): readonly InstanceEvent[] {
  return events.filter((event) => {
    const before = at - event.at;
    return before > -CONTEXT_MS / 4 && before < CONTEXT_MS;
  });
}

/** The goal that nothing is lost; `where` follows "12 of 34 requests lost". */
export function noLoss({ failed, requests }: LoadTotals, where = ""): Goal {
  const what = `${failed} of ${grouped(requests)} requests lost${where}`;
  return { what, reached: failed === 0, counted: true };
}

/** A number with its thousands grouped. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
