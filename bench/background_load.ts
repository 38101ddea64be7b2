/**
 * Loads the server at the address it is given, in a process of its own, until it is told to stop; then
 * prints what it found, a {@linkcode BackgroundLoad} in one line.
 *
 * @module
 */

import { type LoadMix, runLoad } from "../tests/helpers/load.ts";
import type { LoadReport } from "../tests/helpers/load/report.ts";

/** What became of the load. */
export interface BackgroundLoad extends Pick<LoadReport, "failed" | "scenarios"> {
  readonly requestsPerSecond: number;
}

/** Four connections that are always busy, and four clients with a new connection for each request. */
const MIX: LoadMix = { "keep-alive": 4, "close": 4 };

if (import.meta.main) {
  const [hostname = "", port = ""] = Deno.args[0]?.split(":") ?? [];
  const end = new AbortController();
  Deno.addSignalListener("SIGTERM", () => end.abort());
  console.log("Loading");
  const report = await runLoad({ hostname, port: Number(port) }, MIX, end.signal);
  const requestsPerSecond = Math.round(report.ok / (report.durationMs / 1000));
  const { failed, scenarios } = report;
  console.log(JSON.stringify({ requestsPerSecond, failed, scenarios } satisfies BackgroundLoad));
  Deno.exit();
}
