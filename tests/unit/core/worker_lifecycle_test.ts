/** Workers come and go, with nobody asking for it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NO_CLIENT_MERCY_MS, spawnWorker } from "../../../lib/core/worker_lifecycle.ts";
import { LONGEST_PAUSE_MS, STABLE_MS } from "../../../lib/core/restart_policy.ts";
import { nextDeadline } from "../../../lib/core/state.ts";
import { beginStep } from "../../../lib/core/step_context.ts";
import { logged, ofType, signals, spawns } from "../../helpers/effects.ts";
import { stateOf } from "../../helpers/master_state.ts";
import { Simulation } from "../../helpers/simulation.ts";

const EXIT = "exited with code 1";

/** An instance that was told to start. */
function started(options: ConstructorParameters<typeof Simulation>[0] = {}): Simulation {
  const simulation = new Simulation(options);
  simulation.happen({ type: "start" });
  return simulation;
}

Deno.test("step() starts one worker per slot, when the instance starts", () => {
  const simulation = started({ processes: 3 });
  assertEquals(spawns(simulation.effects), ["1: g1", "2: g1", "3: g1"]);
  assertEquals(simulation.state.workers.map(({ pid }) => pid), [1001, 1002, 1003]);
  assertEquals(simulation.state.phase, "starting");
});

Deno.test("step() ends the instance, when the only worker cannot start", () => {
  const simulation = started();
  const effects = simulation.exit(simulation.newest(1), EXIT, "SyntaxError: x (/a.ts:1:1)");
  assertEquals(spawns(effects), []);
  assertEquals(simulation.outcome, "noWorkerStarted");
  const [failure] = logged(effects, "startFailed");
  assertEquals(
    failure?.why,
    "exited with code 1 before it accepted: SyntaxError: x (/a.ts:1:1)",
  );
});

Deno.test("step() starts no worker a second time, when all of them fail before any accepted", () => {
  const simulation = started({ processes: 3 });
  for (const slot of [2, 1]) {
    simulation.exit(simulation.newest(slot));
    assertEquals([simulation.outcome, simulation.dueIn], [null, 60_000]);
  }
  const last = simulation.exit(simulation.newest(3));
  assertEquals(simulation.outcome, "noWorkerStarted");
  assertEquals(ofType(last, "exit"), [{ type: "exit", outcome: "noWorkerStarted" }]);
  assertEquals(spawns(simulation.effects), ["1: g1", "2: g1", "3: g1"]);
});

Deno.test("step() ends the instance, when no process could be created at all", () => {
  const simulation = started({ processes: 2 });
  for (const slot of [1, 2]) {
    const error = "No such file or directory";
    simulation.happen({ type: "spawnFailed", worker: simulation.newest(slot).id, error });
  }
  assertEquals(simulation.outcome, "noWorkerStarted");
  assertEquals(logged(simulation.effects, "startFailed").length, 2);
});

Deno.test("step() tries the failed slots again, when one worker did accept", () => {
  const simulation = started({ processes: 3 });
  simulation.exit(simulation.newest(2));
  simulation.exit(simulation.newest(3));
  assertEquals(simulation.workers, ["1: g1 starting"]);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 starting", "3: g1 starting"]);
  assertEquals(simulation.state.phase, "running");
});

Deno.test("step() announces ready once, when every slot has had an accepting worker", () => {
  const simulation = started({ processes: 2 });
  simulation.advance(40);
  assertEquals(ofType(simulation.accept(simulation.newest(1)), "ready"), []);
  simulation.exit(simulation.newest(1));
  const effects = simulation.accept(simulation.newest(2));
  assertEquals(ofType(effects, "ready"), [{ type: "ready", afterMs: 40 }]);
  simulation.accept(simulation.newest(1));
  assertEquals(ofType(simulation.effects, "ready").length, 1);
});

Deno.test("step() replaces a worker at once, when it dies for the first time", () => {
  const simulation = Simulation.running({ processes: 2 });
  const effects = simulation.exit(simulation.newest(2), "was killed by SIGSEGV");
  assertEquals(spawns(effects), ["2: g1"]);
  assertEquals(logged(effects, "died").map(({ how }) => how), ["was killed by SIGSEGV"]);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 starting"]);
});

Deno.test("step() pauses longer and longer, when a slot's workers keep dying", () => {
  const simulation = Simulation.running();
  const pauses: number[] = [];
  for (let death = 1; death <= 11; death++) {
    simulation.exit(simulation.newest(1));
    if (simulation.state.workers.length > 0) {
      pauses.push(0);
      continue;
    }
    pauses.push(simulation.dueIn ?? NaN);
    simulation.advance(simulation.dueIn ?? NaN);
    assertEquals(simulation.workers, ["1: g1 starting"]);
  }
  assertEquals(pauses, [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  assertEquals(
    logged(simulation.effects, "backoff").map(({ pauseMs }) => pauseMs),
    pauses.slice(1),
  );
});

Deno.test("step() starts nothing before the pause is over, when it is woken early", () => {
  const simulation = Simulation.running();
  simulation.exit(simulation.newest(1));
  simulation.exit(simulation.newest(1));
  assertEquals(spawns(simulation.advance(249)), []);
  assertEquals(spawns(simulation.happen({ type: "tick" })), []);
  assertEquals(spawns(simulation.advance(1)), ["1: g1"]);
});

Deno.test("step() forgets deaths, when the worker that died had lived for the stable time", () => {
  const simulation = Simulation.running();
  for (let death = 1; death <= 4; death++) {
    simulation.exit(simulation.newest(1));
    simulation.advance(LONGEST_PAUSE_MS);
  }
  simulation.acceptAll();
  simulation.advance(STABLE_MS);
  assertEquals(spawns(simulation.exit(simulation.newest(1))), ["1: g1"]);
});

Deno.test("step() counts deaths for each slot apart", () => {
  const simulation = Simulation.running({ processes: 2 });
  for (let death = 1; death <= 3; death++) {
    simulation.exit(simulation.newest(1));
    simulation.advance(500);
  }
  assertEquals(spawns(simulation.exit(simulation.newest(2))), ["2: g1"]);
});

Deno.test("step() kills a worker that does not accept in time, and replaces it at once", () => {
  const simulation = started({ processes: 2, startTimeoutMs: 3_000 });
  simulation.accept(simulation.newest(1));
  const late = simulation.newest(2);
  assertEquals(signals(simulation.advance(2_999)), []);
  const effects = simulation.advance(1);
  assertEquals(signals(effects), [`${late.id} SIGKILL`]);
  assertEquals(logged(effects, "startFailed").map(({ why }) => why), [
    "did not accept within 3 s",
  ]);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 killed", "2: g1 starting"]);
  assertEquals(simulation.oldest(2).reason, "start-timeout");
});

Deno.test("step() ends the instance, when no worker accepts in time and the processes are gone", () => {
  const simulation = started({ processes: 2, startTimeoutMs: 3_000 });
  simulation.advance(3_000);
  assertEquals(simulation.workers, ["1: g1 killed", "2: g1 killed"]);
  assertEquals([simulation.outcome, simulation.dueIn], [null, null]);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "noWorkerStarted");
});

Deno.test("step() counts a killed start once, when the process exits later", () => {
  const simulation = started({ processes: 2, startTimeoutMs: 3_000 });
  simulation.accept(simulation.newest(1));
  simulation.advance(3_000);
  simulation.exit(simulation.oldest(2), "was killed by SIGKILL");
  assertEquals(simulation.state.slots.map(({ deaths }) => deaths), [0, 1]);
});

Deno.test("step() kills a retiring worker, when its mercy is over", () => {
  const simulation = Simulation.running({ mercyMs: 7_000 });
  simulation.reload("chain");
  const old = simulation.oldest(1);
  const asked = simulation.accept(simulation.newest(1));
  assertEquals(ofType(asked, "retire"), [
    { type: "retire", worker: old.id, reason: "reload", mercyMs: 7_000 },
  ]);
  assertEquals(signals(simulation.advance(6_999)), []);
  const effects = simulation.advance(1);
  assertEquals(signals(effects), [`${old.id} SIGKILL`]);
  assertEquals(logged(effects, "killing").length, 1);
  assertEquals(signals(simulation.advance(100_000)), []);
  assertEquals(simulation.workers, ["1: g1 killed", "1: g2 accepting"]);
});

Deno.test("step() keeps the first reason a worker leaves for, when it is killed later", () => {
  const simulation = Simulation.running({ mercyMs: 100 });
  simulation.reload("chain");
  const old = simulation.oldest(1);
  simulation.accept(simulation.newest(1));
  simulation.advance(100);
  simulation.stop();
  assertEquals(simulation.oldest(1).reason, "reload");
  const effects = simulation.exit(old, "was killed by SIGKILL");
  assertEquals(logged(effects, "gone").map(({ reason }) => reason), ["reload"]);
});

Deno.test("step() gives a worker that never accepted little time to leave, or the mercy if that is less", () => {
  for (const [mercyMs, patience] of [[60_000, NO_CLIENT_MERCY_MS], [200, 200]] as const) {
    const simulation = started({ mercyMs });
    const { id } = simulation.newest(1);
    const effects = simulation.stop();
    assertEquals(signals(effects), [`${id} SIGTERM`]);
    assertEquals(ofType(effects, "retire"), []);
    assertEquals(simulation.dueIn, patience);
    assertEquals(signals(simulation.advance(patience)), [`${id} SIGKILL`]);
  }
});

Deno.test("step() gives time anew with every state, when a start becomes a retirement", () => {
  const simulation = started({ startTimeoutMs: 1_000, mercyMs: 9_000 });
  simulation.advance(900);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.dueIn, null);
  simulation.stop();
  assertEquals(simulation.dueIn, 9_000);
});

Deno.test("step() lets a worker pause and go on, when it says so", () => {
  const simulation = Simulation.running({ processes: 2 });
  const worker = simulation.newest(1);
  assertEquals(spawns(simulation.accept(worker, false)), []);
  assertEquals(simulation.workers, ["1: g1 paused", "2: g1 accepting"]);
  assertEquals(simulation.dueIn, null);
  simulation.accept(worker);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  assertEquals(logged(simulation.effects, "accepting"), []);
});

Deno.test("step() treats a worker that pauses before it ever accepted as starting", () => {
  const simulation = started();
  simulation.accept(simulation.newest(1), false);
  assertEquals(simulation.workers, ["1: g1 starting"]);
  assertEquals(simulation.dueIn, 60_000);
});

Deno.test("step() replaces a paused worker, when it dies", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.accept(simulation.newest(1), false);
  assertEquals(spawns(simulation.exit(simulation.newest(1))), ["1: g1"]);
});

Deno.test("step() kills and replaces a worker, when its control pipe is broken", () => {
  const simulation = Simulation.running({ processes: 2 });
  const worker = simulation.newest(2);
  const effects = simulation.happen({ type: "pipeBroken", worker: worker.id, error: "it ended" });
  assertEquals(signals(effects), [`${worker.id} SIGKILL`]);
  assertEquals(spawns(effects), ["2: g1"]);
  assertEquals(logged(effects, "pipeBroken").length, 1);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 killed", "2: g1 starting"]);
  const gone = simulation.exit(worker, "was killed by SIGKILL");
  assertEquals(logged(gone, "gone").map(({ reason }) => reason), ["pipe-broken"]);
});

Deno.test("step() ignores a broken pipe, when the worker is leaving anyway", () => {
  const simulation = Simulation.running();
  simulation.reload("chain");
  const old = simulation.oldest(1);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.happen({ type: "pipeBroken", worker: old.id, error: "it ended" }), []);
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g2 accepting"]);
});

Deno.test("step() fails a start, when the control pipe breaks before the worker accepts", () => {
  const simulation = started();
  const { id } = simulation.newest(1);
  simulation.happen({ type: "pipeBroken", worker: id, error: "it ended" });
  assertEquals(simulation.workers, ["1: g1 killed"]);
  simulation.exitLeaving();
  assertEquals(simulation.outcome, "noWorkerStarted");
});

Deno.test("spawnWorker() numbers workers and remembers how many slots they know", () => {
  const context = beginStep(stateOf({ nextWorker: 5 }), 100);
  spawnWorker(context, 1, 1);
  spawnWorker(context, 1, 2);
  assertEquals(context.state.workers.map(({ id, generation }) => [id, generation]), [[5, 1], [
    6,
    2,
  ]]);
  assertEquals(context.state.workers.map(({ slotsKnown }) => slotsKnown), [0, 0]);
  assertEquals(nextDeadline(context.state), 60_100);
});

Deno.test("spawnWorker() takes the start timeout of the configuration that the worker belongs to", () => {
  const nextSettings = {
    processes: 1,
    startTimeoutMs: 7,
    mercyMs: 1,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  const context = beginStep(stateOf({ nextSettings }), 0);
  spawnWorker(context, 1, 2);
  spawnWorker(context, 1, 1);
  assertEquals(context.state.workers.map(({ deadline }) => deadline), [7, 60_000]);
});

Deno.test("step() throws, when the state names a slot that does not exist", () => {
  const simulation = Simulation.running();
  const broken = { ...simulation.state, slots: [] };
  simulation.state = broken;
  const error = assertThrows(() => simulation.exit(simulation.newest(1)), RangeError);
  assert(error instanceof RangeError && error.message === "No slot 1");
});

Deno.test("step() gives a slot up after so many deaths in a row, until the next reload", () => {
  const simulation = Simulation.running({ processes: 2, respawnLimit: 2 });
  for (let deaths = 1; deaths <= 2; deaths++) {
    simulation.exit(simulation.newest(2));
    simulation.advance(60_000);
  }
  assertEquals(simulation.workers, ["1: g1 accepting"]);
  simulation.reload("chain");
  simulation.acceptAll();
  simulation.acceptAll();
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g2 accepting"]);
});

Deno.test("step() ends when no worker is left and none comes at once, if it is to", () => {
  const simulation = Simulation.running({ processes: 2, dieOnNoWorkers: true });
  simulation.exit(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  assertEquals([simulation.outcome, simulation.workers.length], [null, 2]);
  simulation.exit(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  assertEquals(simulation.outcome, "noWorkerLeft");
});
