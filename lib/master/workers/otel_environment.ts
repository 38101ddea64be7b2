/**
 * What Deno's own OpenTelemetry says about a worker. Pure.
 *
 * @module
 */

import type { WorkerEnvironment } from "../../protocol/worker_environment.ts";

/** Switches it on (`true` or `1`). */
const SWITCH = "OTEL_DENO";
/** `key=value,key=value`: what every span, metric and log record of a process carries. */
const ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES";

/**
 * The environment that tells workers apart in what they export; nothing where they export nothing. What
 * the user has set stays, and a key that is set already is not set again.
 *
 * @param variable Reads the environment that the worker would have without it.
 * @param instanceId Names this process among all others.
 */
export function telemetryEnvironment(
  variable: (name: string) => string | undefined,
  { slot, mule, generation }: Pick<WorkerEnvironment, "slot" | "mule" | "generation">,
  instanceId: () => string,
): Readonly<Record<string, string>> {
  const on = variable(SWITCH);
  if (on !== "true" && on !== "1") return {};
  const own = variable(ATTRIBUTES) ?? "";
  const known = new Set(own.split(",").map((pair) => pair.split("=")[0]?.trim()));
  const added = [
    ["service.instance.id", instanceId()],
    slot > 0 ? ["duwsgi.worker.id", slot] : ["duwsgi.mule.id", mule],
    ["duwsgi.generation", generation],
  ].filter(([key]) => !known.has(String(key)));
  const texts = added.map(([key, value]) => `${key}=${value}`);
  return { [ATTRIBUTES]: [...own.trim() === "" ? [] : [own], ...texts].join(",") };
}
