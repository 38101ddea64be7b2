/** Which worker has reached a limit. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { MasterEvent } from "../../../../lib/core/event.ts";
import {
  checkLimits,
  MEMORY_SAMPLES,
  type MemoryStreaks,
} from "../../../../lib/core/policies/limits.ts";
import type { WorkerSample } from "../../../../lib/core/policies/sample.ts";
import type { Limits } from "../../../../lib/core/policies/limit_settings.ts";

const MEGABYTE = 1 << 20;

const NONE: Limits = {
  maxRequests: 0,
  maxRequestsDelta: 0,
  maxWorkerLifetimeMs: 0,
  maxWorkerLifetimeDeltaMs: 0,
  minWorkerLifetimeMs: 10_000,
  reloadOnRss: 0,
  reloadOnAs: 0,
  evilReloadOnRss: 0,
  harakiriMs: 0,
  harakiriGracefulTimeoutMs: 10_000,
  hangTimeoutMs: 0,
};

const IDLE: WorkerSample = {
  worker: 7,
  slot: 1,
  pid: 70,
  ageMs: 60_000,
  requests: 0,
  inFlight: 0,
  oldest: null,
  userHarakiriOverdue: false,
  silentMs: 0,
  heartbeatMs: 10_000,
  loopLagMs: 0,
  memory: null,
};

function sample(fields: Partial<WorkerSample>): WorkerSample {
  return { ...IDLE, ...fields };
}

function memory(rss: number, as = rss): WorkerSample["memory"] {
  return { rss: rss * MEGABYTE, as: as * MEGABYTE };
}

/** What one look at these workers gives. */
function look(
  limits: Partial<Limits>,
  ...samples: Partial<WorkerSample>[]
): readonly MasterEvent[] {
  return checkLimits(samples.map(sample), { ...NONE, ...limits }, new Map()).masterEvents;
}

/** Whether each of several looks at one worker gives something. */
function looks(limits: Partial<Limits>, ...samples: Partial<WorkerSample>[]): string[] {
  let streaks: MemoryStreaks = new Map();
  return samples.map((fields) => {
    const judgement = checkLimits([sample(fields)], { ...NONE, ...limits }, streaks);
    streaks = judgement.streaks;
    return judgement.masterEvents.map((one) => "reason" in one ? one.reason : one.type).join();
  });
}

function reasons(masterEvents: readonly MasterEvent[]): unknown[] {
  return masterEvents.map((one) => "worker" in one && "reason" in one && [one.worker, one.reason]);
}

Deno.test("checkResponse() says nothing about anybody, when there are no limits", () => {
  const busy = sample({
    requests: 1e9,
    ageMs: 1e12,
    silentMs: 1e9,
    oldest: { ms: 1e9, name: "GET /" },
    memory: memory(1e6),
  });
  assertEquals(look({}, busy), []);
});

Deno.test("max-requests is reached by the request it names, and the reason has the numbers", () => {
  assertEquals(look({ maxRequests: 100 }, { requests: 99 }), []);
  const [masterEvent] = look({ maxRequests: 100 }, { requests: 100 });
  assertEquals(masterEvent, {
    type: "recycle",
    worker: 7,
    reason: "max-requests",
    why: "it has had 100 requests (max-requests, here 100)",
  });
});

Deno.test("max-requests-delta gives each slot more than the one before", () => {
  const workers = [1, 2, 3].map((slot) => ({ worker: slot, slot, requests: 120 }));
  assertEquals(reasons(look({ maxRequests: 100, maxRequestsDelta: 10 }, ...workers)), [
    [1, "max-requests"],
    [2, "max-requests"],
    [3, "max-requests"],
  ]);
  assertEquals(reasons(look({ maxRequests: 100, maxRequestsDelta: 20 }, ...workers)), [
    [1, "max-requests"],
    [2, "max-requests"],
  ]);
  assertEquals(reasons(look({ maxRequests: 100, maxRequestsDelta: 21 }, ...workers)), [
    [1, "max-requests"],
  ]);
});

Deno.test("max-worker-lifetime counts from the start, later in each slot", () => {
  const limits = { maxWorkerLifetimeMs: 60_000, maxWorkerLifetimeDeltaMs: 5_000 };
  const aged = (slot: number, ageMs: number) => ({ worker: slot, slot, ageMs });
  assertEquals(reasons(look(limits, aged(1, 60_000), aged(2, 65_000), aged(3, 70_000))), []);
  const masterEvents = look(limits, aged(1, 60_001), aged(2, 65_001), aged(3, 70_000));
  assertEquals(reasons(masterEvents), [[1, "max-worker-lifetime"], [2, "max-worker-lifetime"]]);
});

Deno.test("reload-on-rss needs several samples in a row, and one below it starts the count anew", () => {
  const limits = { reloadOnRss: 100 * MEGABYTE };
  const [over, under] = [{ memory: memory(100) }, { memory: memory(99) }];
  assertEquals(MEMORY_SAMPLES, 3);
  const reason = "reload-on-rss";
  assertEquals(looks(limits, over, over, over, over), ["", "", reason, reason]);
  assertEquals(looks(limits, over, over, under, over, over, over), ["", "", "", "", "", reason]);
  const unknown = { memory: null };
  assertEquals(looks(limits, over, over, unknown, over, over), ["", "", "", "", ""]);
});

Deno.test("the samples of one worker do not count for its successor in the slot", () => {
  const limits = { reloadOnRss: 100 * MEGABYTE };
  const over = { memory: memory(100) };
  const next = { ...over, worker: 8 };
  assertEquals(looks(limits, over, over, next, next, next), ["", "", "", "", "reload-on-rss"]);
});

Deno.test("reload-on-as and evil-reload-on-rss look at their own numbers", () => {
  const large = { memory: memory(100, 20_000) };
  const three = [large, large, large];
  assertEquals(looks({ reloadOnAs: 20_001 * MEGABYTE }, ...three), ["", "", ""]);
  assertEquals(looks({ reloadOnAs: 20_000 * MEGABYTE }, ...three), ["", "", "reload-on-as"]);
  const evil = { evilReloadOnRss: 100 * MEGABYTE, reloadOnRss: 50 * MEGABYTE };
  assertEquals(looks(evil, ...three), ["", "", "evil-reload-on-rss"]);
});

Deno.test("evil-reload-on-rss kills without grace, whatever the worker's age", () => {
  const limits = { ...NONE, evilReloadOnRss: 100 * MEGABYTE };
  const young = sample({ ageMs: 1, memory: memory(150) });
  const streaks =
    checkLimits([young], limits, checkLimits([young], limits, new Map()).streaks).streaks;
  assertEquals(checkLimits([young], limits, streaks).masterEvents, [{
    type: "condemn",
    worker: 7,
    reason: "evil-reload-on-rss",
    why: "has 150 MB of memory (evil-reload-on-rss = 100), 3 seconds in a row",
    graceMs: 0,
  }]);
});

Deno.test("harakiri names the request, and leaves the others their time", () => {
  const oldest = (ms: number) => ({ inFlight: 2, oldest: { ms, name: "GET /slow?x=1" } });
  const limits = { harakiriMs: 30_000, harakiriGracefulTimeoutMs: 5_000 };
  assertEquals(look(limits, oldest(29_000)), []);
  assertEquals(look(limits, oldest(30_000)), [{
    type: "condemn",
    worker: 7,
    reason: "harakiri",
    why: "has been answering GET /slow?x=1 for 30 s (harakiri = 30)",
    graceMs: 5_000,
  }]);
});

Deno.test("the time that a worker set itself counts without any option", () => {
  assertEquals(look({}, { userHarakiriOverdue: true }), [{
    type: "condemn",
    worker: 7,
    reason: "harakiri",
    why: "did not get on within the time it set itself with set_user_harakiri()",
    graceMs: 10_000,
  }]);
});

Deno.test("hang-timeout kills a worker that has said nothing, and says what it was doing", () => {
  const silent = (silentMs: number) => ({ silentMs, heartbeatMs: 1_000, inFlight: 3 });
  const limits = { hangTimeoutMs: 4_000 };
  assertEquals(look(limits, silent(3_000)), []);
  assertEquals(look(limits, silent(4_000)), [{
    type: "condemn",
    worker: 7,
    reason: "hang",
    why: "hangs: its event loop has not run for 4 s (hang-timeout = 4), requests in flight: 3",
    graceMs: 0,
  }]);
  const [named] = look(limits, { ...silent(4_000), oldest: { ms: 4_000, name: "GET /loop" } });
  const why = named?.type === "condemn" ? named.why : "";
  assertStringIncludes(why, "requests in flight: 3, the oldest is GET /loop");
});

Deno.test("hang-timeout forgives a worker that was told to speak less often", () => {
  const limits = { hangTimeoutMs: 4_000 };
  assertEquals(look(limits, { silentMs: 29_000, heartbeatMs: 10_000 }), []);
  assertEquals(reasons(look(limits, { silentMs: 30_000, heartbeatMs: 10_000 })), [[7, "hang"]]);
});

Deno.test("of several limits the one that waits least comes first", () => {
  const limits = {
    maxRequests: 1,
    maxWorkerLifetimeMs: 20_000,
    harakiriMs: 1_000,
    hangTimeoutMs: 3_000,
  };
  const all = {
    requests: 5,
    heartbeatMs: 1_000,
    silentMs: 3_000,
    oldest: { ms: 3_000, name: "GET /" },
  };
  assertEquals(reasons(look(limits, all)), [[7, "hang"]]);
  assertEquals(reasons(look(limits, { ...all, silentMs: 0 })), [[7, "harakiri"]]);
  const idle = { ...all, silentMs: 0, oldest: null };
  assertEquals(reasons(look(limits, idle)), [[7, "max-worker-lifetime"]]);
  assertEquals(reasons(look(limits, { ...idle, ageMs: 15_000 })), [[7, "max-requests"]]);
});

const anyLimits: fc.Arbitrary<Limits> = fc.record({
  maxRequests: fc.nat(1_000),
  maxRequestsDelta: fc.nat(100),
  minWorkerLifetimeMs: fc.nat(30_000),
  maxWorkerLifetimeMs: fc.constantFrom(0, 30_001, 60_000),
  maxWorkerLifetimeDeltaMs: fc.nat(5_000),
  reloadOnRss: fc.nat(300).map((one) => one * MEGABYTE),
  reloadOnAs: fc.nat(300).map((one) => one * MEGABYTE),
  evilReloadOnRss: fc.nat(300).map((one) => one * MEGABYTE),
  harakiriMs: fc.nat(10_000),
  harakiriGracefulTimeoutMs: fc.nat(10_000),
  hangTimeoutMs: fc.constantFrom(0, 3_000, 30_000),
});

const anySample: fc.Arbitrary<WorkerSample> = fc.record({
  worker: fc.integer({ min: 1, max: 4 }),
  slot: fc.integer({ min: 1, max: 4 }),
  pid: fc.constant(1),
  ageMs: fc.nat(60_000),
  requests: fc.nat(2_000),
  inFlight: fc.nat(5),
  oldest: fc.option(fc.record({ ms: fc.nat(20_000), name: fc.constant("GET /") })),
  userHarakiriOverdue: fc.boolean(),
  silentMs: fc.nat(40_000),
  heartbeatMs: fc.constantFrom(1_000, 10_000),
  loopLagMs: fc.option(fc.nat()),
  memory: fc.option(fc.tuple(fc.nat(400), fc.nat(400)).map(([rss, as]) => memory(rss, as))),
});

Deno.test("no worker is recycled before its minimal lifetime, whatever happens", () => {
  const history = fc.array(fc.uniqueArray(anySample, { selector: ({ worker }) => worker }));
  let recycled = 0;
  fc.assert(fc.property(anyLimits, history, (limits, rounds) => {
    let streaks: MemoryStreaks = new Map();
    for (const samples of rounds) {
      const judgement = checkLimits(samples, limits, streaks);
      streaks = judgement.streaks;
      for (const masterEvent of judgement.masterEvents) {
        if (masterEvent.type !== "recycle") continue;
        recycled++;
        const { ageMs } = samples.find(({ worker }) => worker === masterEvent.worker) ?? IDLE;
        assert(ageMs >= limits.minWorkerLifetimeMs, masterEvent.why);
      }
    }
  }));
  assert(recycled > 0);
});

Deno.test("memory alone costs nobody anything at the first or second look", () => {
  const limits = anyLimits.map((one): Limits => ({
    ...NONE,
    reloadOnRss: one.reloadOnRss,
    reloadOnAs: one.reloadOnAs,
    evilReloadOnRss: one.evilReloadOnRss,
  }));
  fc.assert(fc.property(limits, anySample, anySample, (chosen, first, second) => {
    const quiet = (one: WorkerSample) => ({ ...one, worker: 1, userHarakiriOverdue: false });
    const one = checkLimits([quiet(first)], chosen, new Map());
    const two = checkLimits([quiet(second)], chosen, one.streaks);
    assertEquals([...one.masterEvents, ...two.masterEvents], []);
  }));
});
