/**
 * Runs in the worker, as a preload of its own and only when requests are logged: every handler that is
 * served from now on is followed by the request log.
 *
 * @module
 */

import { processMemory } from "../../system/process/process_memory.ts";
import { followRequests } from "../serving/http.ts";
import { instanceAccess } from "../instance.ts";
import { lineSinks } from "../logging/line_sinks.ts";
import { requestMeter } from "../counting/request_meter.ts";
import { logged } from "./deno_requests.ts";
import type { WorkerFacts } from "../request_record.ts";
import { RequestLog } from "./request_log.ts";

const currentInstance = instanceAccess();

const { environment, facts, metrics } = currentInstance();
if (facts.requestLog !== null && environment.slot > 0) {
  const worker: WorkerFacts = {
    pid: Deno.pid,
    slot: environment.slot,
    hostname: facts.hostname,
    memory: memoryOfLastSecond(),
    metric: metricValue,
  };
  const write = (lines: readonly string[]) => lineSinks().requests(lines);
  const { clock } = requestMeter();
  const log = new RequestLog({ settings: facts.requestLog, worker, clock, write });
  currentInstance().requestLog = log;
  followRequests((handling) => logged(handling, log));
  // Deno.exit() comes here as well, and an error that ends the process.
  addEventListener("unload", () => log.close());
  addEventListener("error", () => log.flush());
  addEventListener("unhandledrejection", () => log.flush());
}

/** Reading it takes longer than to write a line. */
function memoryOfLastSecond(): WorkerFacts["memory"] {
  let readAt = -Infinity;
  let memory: ReturnType<WorkerFacts["memory"]> = null;
  return () => {
    const now = performance.now();
    if (now - readAt < 1000) return memory;
    readAt = now;
    return memory = ownMemory() ?? { rss: Deno.memoryUsage().rss, as: null };
  };
}

/** Workers that may not do everything read it through the C library. */
function ownMemory(): ReturnType<WorkerFacts["memory"]> {
  const { operations } = currentInstance();
  return operations === null
    ? processMemory("self")
    : processMemory("self", () => operations.status());
}

/** A format may name what is no metric, or what only the master knows. */
function metricValue(name: string): number | null {
  try {
    return metrics?.get(name) ?? null;
  } catch {
    return null;
  }
}
