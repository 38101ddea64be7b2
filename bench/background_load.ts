/**
 * Loads the server at the address it is given, in a process of its own, until it is told to stop; then
 * prints what it found: `{"requestsPerSecond":…,"failed":…}`.
 *
 * @module
 */

import { type LoadMix, runLoad } from "../tests/helpers/load.ts";

/** Four connections that are always busy, and four clients with a new connection for each request. */
const MIX: LoadMix = { "keep-alive": 4, "close": 4 };

if (import.meta.main) {
  const [hostname = "", port = ""] = Deno.args[0]?.split(":") ?? [];
  const end = new AbortController();
  Deno.addSignalListener("SIGTERM", () => end.abort());
  console.log("Loading");
  const report = await runLoad({ hostname, port: Number(port) }, MIX, end.signal);
  const requestsPerSecond = Math.round(report.ok / (report.durationMs / 1000));
  console.log(JSON.stringify({ requestsPerSecond, failed: report.failed }));
  Deno.exit();
}
