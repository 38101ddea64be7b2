/** Workers that have reached a limit. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { logged, ofType } from "../../helpers/effects.ts";
import { Simulation } from "../../helpers/simulation.ts";

Deno.test("step() replaces workers one at a time, when several have reached a limit", () => {
  const simulation = Simulation.running({ processes: 2 });
  const reason = "max-requests" as const;
  for (const slot of [1, 2, 1]) {
    const worker = simulation.oldest(slot).id;
    simulation.happen({ type: "recycle", worker, reason, why: "100 requests" });
  }
  assertEquals(simulation.workers, ["1: g1 accepting", "1: g1 starting", "2: g1 accepting"]);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, [
    "1: g1 retiring",
    "1: g1 accepting",
    "2: g1 accepting",
    "2: g1 starting",
  ]);
  assertEquals(simulation.oldest(1).reason, reason);
  simulation.accept(simulation.newest(2));
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  assertEquals(logged(simulation.effects, "recycling").length, 2);
});

Deno.test("step() keeps the worker and waits, when its successor fails to start", () => {
  const simulation = Simulation.running();
  const worker = simulation.newest(1).id;
  simulation.happen({ type: "recycle", worker, reason: "reload-on-rss", why: "900 MB" });
  simulation.exit(simulation.newest(1));
  assertEquals(simulation.workers, ["1: g1 accepting"]);
  simulation.advance(60_000);
  assertEquals(simulation.workers, ["1: g1 accepting", "1: g1 starting"]);
});

Deno.test("step() replaces a condemned worker at once and kills it, when its time is over", () => {
  const simulation = Simulation.running();
  const worker = simulation.newest(1).id;
  const graceMs = 500;
  simulation.happen({
    type: "condemn",
    worker,
    reason: "harakiri",
    why: "GET / took 9 s",
    graceMs,
  });
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g1 starting"]);
  simulation.advance(graceMs);
  assertEquals(simulation.workers, ["1: g1 killed", "1: g1 starting"]);
  assertEquals(simulation.state.slots.map(({ harakiris }) => harakiris), [1]);
  simulation.exitLeaving();
  assertEquals(simulation.state.slots.map(({ lastLeave }) => lastLeave), ["harakiri"]);
});

Deno.test("step() replaces a worker whose clients wait in vain, and gives it the mercy", () => {
  const simulation = Simulation.running({ processes: 2, startTimeoutMs: 9_000, mercyMs: 700 });
  const worker = simulation.newest(1).id;
  const address = "127.0.0.1:80";
  simulation.happen({ type: "unserved", worker, address });
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g1 starting", "2: g1 accepting"]);
  simulation.happen({ type: "unserved", worker, address });
  const lines = ofType(simulation.effects, "log").filter(({ fields }) =>
    fields.event === "condemned"
  );
  assertEquals(lines.map(({ fields }) => fields.reason), ["not-accepting"]);
  const text = "accepts no more on 127.0.0.1:80: clients have waited for 9 s (start-timeout)";
  assertStringIncludes(lines[0]?.text ?? "", text);
  simulation.advance(700);
  assertEquals(simulation.workers, ["1: g1 killed", "1: g1 starting", "2: g1 accepting"]);
});

Deno.test("step() lets a worker be whose clients wait because the instance is paused", () => {
  const simulation = Simulation.running();
  const worker = simulation.newest(1);
  simulation.happen({ type: "pause", on: true, why: "an operator" });
  simulation.accept(worker, false);
  simulation.happen({ type: "unserved", worker: worker.id, address: "127.0.0.1:80" });
  assertEquals(simulation.workers, ["1: g1 paused"]);
});

Deno.test("step() replaces a worker that closed its server, when its clients wait in vain", () => {
  const simulation = Simulation.running();
  const worker = simulation.newest(1);
  simulation.accept(worker, false);
  simulation.happen({ type: "unserved", worker: worker.id, address: "127.0.0.1:80" });
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g1 starting"]);
});

Deno.test("step() counts nobody's harakiri, when a worker hangs or has had enough requests", () => {
  const simulation = Simulation.running({ processes: 2 });
  const [one, two] = [simulation.newest(1).id, simulation.newest(2).id];
  const why = "hangs";
  simulation.happen({ type: "condemn", worker: one, reason: "hang", why, graceMs: 0 });
  simulation.happen({ type: "recycle", worker: two, reason: "max-requests", why: "100 requests" });
  assertEquals(simulation.state.slots.map(({ harakiris }) => harakiris), [0, 0]);
});
