/** Stopping, and events that come too late. */
import { assertEquals } from "@std/assert";
import { initialState } from "../../../lib/core/state.ts";
import { step } from "../../../lib/core/step.ts";
import { logged, ofType, signals, spawns } from "../../helpers/effects.ts";
import { Simulation } from "../../helpers/simulation.ts";

Deno.test("step() asks every worker to leave and waits for all of them, when it is told to stop", () => {
  const simulation = Simulation.running({ processes: 3, mercyMs: 1_000 });
  const effects = simulation.stop();
  assertEquals(
    ofType(effects, "retire").map(({ worker, reason, mercyMs }) => [worker, reason, mercyMs]),
    [[1, "stop", 1_000], [2, "stop", 1_000], [3, "stop", 1_000]],
  );
  assertEquals(signals(effects), []);
  simulation.exit(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  assertEquals(simulation.outcome, null);
  simulation.exit(simulation.newest(3));
  assertEquals(simulation.outcome, "stopped");
  assertEquals(spawns(simulation.effects), []);
});

Deno.test("step() kills everybody, when it is told to stop a second time", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.stop();
  assertEquals(signals(simulation.stop()), ["1 SIGKILL", "2 SIGKILL"]);
  assertEquals(signals(simulation.stop()), []);
  assertEquals(simulation.outcome, null);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "killed");
});

Deno.test("step() says stopped and not killed, when a worker was killed because its mercy was over", () => {
  const simulation = Simulation.running({ mercyMs: 100 });
  simulation.stop();
  simulation.advance(100);
  assertEquals(simulation.workers, ["1: g1 killed"]);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "stopped");
});

Deno.test("step() ends at once, when it is told to stop and no worker is there", () => {
  const simulation = Simulation.running();
  simulation.exit(simulation.newest(1));
  simulation.exit(simulation.newest(1));
  assertEquals(simulation.workers, []);
  simulation.stop();
  assertEquals(simulation.outcome, "stopped");
});

Deno.test("step() stops in order, when workers are still starting", () => {
  const simulation = new Simulation({ processes: 2 });
  simulation.happen({ type: "start" });
  simulation.accept(simulation.newest(1));
  const effects = simulation.stop();
  assertEquals(ofType(effects, "retire").map(({ worker }) => worker), [1]);
  assertEquals(signals(effects), ["2 SIGTERM"]);
  // It was about to accept when it was told.
  simulation.accept(simulation.newest(2));
  assertEquals(simulation.workers, ["1: g1 retiring", "2: g1 retiring"]);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "stopped");
});

Deno.test("step() says stopped, when it is told to stop before any worker accepted", () => {
  const simulation = new Simulation();
  simulation.happen({ type: "start" });
  simulation.stop();
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "stopped");
});

Deno.test("step() gives the reload up, when it is told to stop while a chain runs", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.reload("all");
  const effects = simulation.stop();
  assertEquals(ofType(effects, "retire").map(({ worker }) => worker), [1, 2]);
  assertEquals(signals(effects), ["3 SIGTERM"]);
  assertEquals([simulation.state.reload, simulation.state.queued], [null, null]);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "stopped");
  assertEquals(spawns(effects), []);
});

Deno.test("step() begins no reload and starts no worker, when it is stopping", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.stop();
  simulation.forget();
  assertEquals(simulation.reload("all"), []);
  simulation.exit(simulation.newest(1));
  assertEquals(spawns(simulation.advance(100_000)), []);
});

Deno.test("step() ignores the configuration, when it was read for a reload that stop gave up", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.stop();
  const settings = {
    processes: 9,
    startTimeoutMs: 1,
    mercyMs: 1,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  assertEquals(simulation.happen({ type: "configured", settings }), []);
  assertEquals(simulation.state.settings.processes, 2);
});

Deno.test("step() ignores events of workers that it does not know", () => {
  const simulation = Simulation.running();
  const before = simulation.state;
  const events = [
    { type: "spawned", worker: 99, pid: 1 },
    { type: "spawnFailed", worker: 99, error: "x" },
    { type: "accepting", worker: 99, on: true, covers: true },
    { type: "pipeBroken", worker: 99, error: "x" },
    { type: "exited", worker: 99, how: "x", error: null },
  ] as const;
  for (const event of events) assertEquals(simulation.happen(event), []);
  assertEquals(simulation.state, before);
});

Deno.test("step() asks for nothing, when a tick comes and nothing is due", () => {
  const simulation = Simulation.running({ processes: 2 });
  const before = simulation.state;
  simulation.at += 1_000_000;
  assertEquals(simulation.happen({ type: "tick" }), []);
  assertEquals(simulation.state, before);
});

Deno.test("step() does not end, when a tick comes before anything was started", () => {
  const state = initialState(
    {
      processes: 1,
      startTimeoutMs: 1,
      mercyMs: 1,
      rollback: false,
      verifyMs: 0,
      respawnLimit: 0,
      dieOnNoWorkers: false,
    },
    true,
    0,
  );
  assertEquals(step(state, { type: "tick", at: 1 }).effects, []);
});

Deno.test("step() warns, when it is told to stop again", () => {
  const simulation = Simulation.running();
  simulation.stop();
  simulation.stop();
  assertEquals(logged(simulation.effects, "stopping").map(({ again }) => again), [false, true]);
});

Deno.test("step() does nothing, when a worker asks to stop an instance that stops already", () => {
  const simulation = Simulation.running({ processes: 2 });
  const ask = () => simulation.happen({ type: "stop", why: "worker 1 asked for it", once: true });
  assertEquals(ofType(ask(), "retire").length, 2);
  assertEquals(ask(), []);
  assertEquals(signals(simulation.stop()), ["1 SIGKILL", "2 SIGKILL"]);
});
