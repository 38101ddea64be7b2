/** What has to be watched for limits. */
import { assert, assertEquals } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import {
  heartbeatMs,
  HEARTBEATS_PER_HANG,
  type Limits,
  samplingNeeds,
} from "../../../../lib/core/policies/limit_settings.ts";

function watch(limits: Partial<Limits>) {
  return samplingNeeds({ ...defaults(), ...limits });
}

Deno.test("samplingNeeds() needs nothing, when no limit is set", () => {
  assertEquals(watch({}), { samples: false, memory: false, names: false });
  assertEquals(watch({ minWorkerLifetimeMs: 5, maxRequestsDelta: 3 }).samples, false);
});

Deno.test("samplingNeeds() needs samples for each limit, and memory and names only where they count", () => {
  assertEquals(watch({ maxRequests: 1 }), { samples: true, memory: false, names: false });
  assertEquals(watch({ maxWorkerLifetimeMs: 1 }), { samples: true, memory: false, names: false });
  for (const key of ["reloadOnRss", "reloadOnAs", "evilReloadOnRss"] as const) {
    assertEquals(watch({ [key]: 1 }), { samples: true, memory: true, names: false });
  }
  assertEquals(watch({ harakiriMs: 1 }), { samples: true, memory: false, names: true });
  assertEquals(watch({ hangTimeoutMs: 1 }), { samples: true, memory: false, names: true });
});

Deno.test("heartbeatMs() is ten seconds, or so often that a hang is several missed ones", () => {
  assertEquals(heartbeatMs({ hangTimeoutMs: 0 }), 10_000);
  assertEquals(heartbeatMs({ hangTimeoutMs: 600_000 }), 10_000);
  assertEquals(heartbeatMs({ hangTimeoutMs: 600_000, cheaper: 1 }), 1_000);
  assertEquals(heartbeatMs({ hangTimeoutMs: 0, stats: [":9191"] }), 1_000);
  assertEquals(heartbeatMs({ hangTimeoutMs: 0, metricsHttp: [":9100"] }), 1_000);
  assertEquals(heartbeatMs({ hangTimeoutMs: 0, statsPush: ["statsd"] }), 1_000);
  assertEquals(heartbeatMs(defaults()), 10_000);
  for (let hangTimeoutMs = 3_000; hangTimeoutMs < 60_000; hangTimeoutMs += 100) {
    const period = heartbeatMs({ hangTimeoutMs });
    assert(period >= 1_000 && period <= 10_000);
    assert(period * HEARTBEATS_PER_HANG <= hangTimeoutMs);
  }
});
