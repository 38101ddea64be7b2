import { assertEquals } from "@std/assert";
import { beginScaling, decideScaling } from "../../../../lib/core/autoscaling/scaling.ts";
import { ScalingSimulation, SETTINGS, worker } from "../../../helpers/scaling.ts";

Deno.test("checkResponse() gives everybody a worker again, when cheaper is switched off", () => {
  const simulation = new ScalingSimulation({ ...SETTINGS, cheaper: 0 }, 4);
  simulation.wanted = 2;
  assertEquals(simulation.run(3, { load: 9 }), [4, 4, 4]);
});

Deno.test("checkResponse() follows, when there are fewer slots than wanted workers, or fewer than cheaper", () => {
  const simulation = new ScalingSimulation({ ...SETTINGS, cheaper: 3 }, 4);
  simulation.wanted = 6;
  assertEquals(simulation.second({ load: 9 }), 4);
  simulation.wanted = 1;
  assertEquals(simulation.second({ load: 0 }), 3);
  simulation.wanted = 2;
  assertEquals(simulation.second({ load: 0 }, { processes: 2 }), 2);
});

Deno.test("checkResponse() adds nobody while the soft limit is reached", () => {
  for (const algorithm of ["spare", "backlog", "busyness"] as const) {
    const settings = { ...SETTINGS, algorithm, rssSoft: 100 };
    const simulation = new ScalingSimulation({ ...settings, initial: 2 }, 6);
    assertEquals(simulation.run(20, { load: 9, rss: 50 }).at(-1), 2, algorithm);
    assertEquals(simulation.run(20, { load: 9, rss: 49 }).at(-1), 3, algorithm);
  }
});

Deno.test("checkResponse() takes one away each second above the hard limit, but never below cheaper", () => {
  const settings = { ...SETTINGS, cheaper: 2, initial: 5, rssSoft: 100, rssHard: 200 };
  const simulation = new ScalingSimulation(settings, 6);
  assertEquals(simulation.run(5, { load: 9, rss: 51 }), [4, 3, 3, 3, 3]);
  assertEquals(simulation.run(3, { load: 9, rss: 500 }), [2, 2, 2]);
});

Deno.test("checkResponse() sends everybody away after more than idle without a request", () => {
  const simulation = new ScalingSimulation({ ...SETTINGS, cheaper: 0, idleMs: 3_000 }, 2);
  simulation.run(1, { load: 0.1 });
  assertEquals(simulation.run(5, { load: 0 }), [2, 2, 2, 2, 0]);
  assertEquals(simulation.decisions, [
    { type: "want", workers: 0, why: "no request for 3 s", second: 6 },
  ]);
  assertEquals(simulation.run(2, { load: 0 }), [0, 0]);
});

Deno.test("checkResponse() stops the instance instead, with die-on-idle", () => {
  const settings = { ...SETTINGS, cheaper: 0, idleMs: 1_000, dieOnIdle: true };
  const simulation = new ScalingSimulation(settings, 2);
  simulation.run(4, { load: 0 });
  assertEquals(simulation.decisions, [{ type: "stop", why: "no request for 1 s", second: 4 }]);
});

/** Decisions over some seconds of the same worker. */
function decide(
  seconds: number,
  more: Parameters<typeof worker>[1],
  sample: Partial<Parameters<typeof decideScaling>[1]> = {},
) {
  const settings = { ...SETTINGS, cheaper: 0, idleMs: 1_000 };
  let scaling = beginScaling(settings);
  const types: string[] = [];
  for (let second = 1; second <= seconds; second++) {
    const { scaling: next, decision } = decideScaling(scaling, {
      at: second * 1_000,
      workers: [worker(1, more)],
      queue: 0,
      processes: 1,
      wanted: 1,
      settled: true,
      mayShrink: true,
      ...sample,
    }, settings);
    scaling = next;
    types.push(decision.type);
  }
  return types;
}

Deno.test("checkResponse() does not take an instance for idle that has a request, a queue, or starts", () => {
  assertEquals(decide(4, {}), ["stay", "stay", "stay", "want"]);
  const stays = ["stay", "stay", "stay", "stay", "stay"];
  assertEquals(decide(5, { inFlight: 1 }), stays);
  assertEquals(decide(5, {}, { queue: 1 }), stays);
  assertEquals(decide(5, {}, { settled: false }), stays);
  assertEquals(decide(5, {}, { mayShrink: false }), stays);
  // It serves without the uwsgi module: only its CPU tells.
  assertEquals(decide(5, { requests: 0, cpu: 0.1 }), stays);
  assertEquals(decide(3, { requests: 0 }), ["stay", "stay", "want"]);
});

Deno.test("checkResponse() lets nobody go, where nobody could take their queues", () => {
  const simulation = new ScalingSimulation({ ...SETTINGS, initial: 3 }, 4);
  for (let i = 0; i < 20; i++) simulation.second({ load: 0 }, { mayShrink: false });
  assertEquals(simulation.wanted, 3);
  for (let i = 0; i < 20; i++) simulation.second({ load: 9 }, { mayShrink: false });
  assertEquals(simulation.wanted, 4);
});

Deno.test("checkResponse() begins anew, when the algorithm has changed", () => {
  const first = decideScaling(beginScaling(SETTINGS), {
    at: 0,
    workers: [worker(1, { cpu: 1, requests: 5 })],
    queue: 0,
    processes: 4,
    wanted: 1,
    settled: true,
    mayShrink: true,
  }, { ...SETTINGS, algorithm: "manual" });
  assertEquals(first.scaling.name, "manual");
});
