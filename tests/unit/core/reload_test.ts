/**
 * Reloads. Every step of these is also checked by the simulation: no slot loses its accepting worker
 * because of a reload.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { logged, ofType, signals, spawns } from "../../helpers/effects.ts";
import { Simulation } from "../../helpers/simulation.ts";

const SETTINGS = {
  processes: 3,
  startTimeoutMs: 60_000,
  mercyMs: 60_000,
  rollback: false,
  verifyMs: 0,
  respawnLimit: 0,
  dieOnNoWorkers: false,
};

/** How the last reload ended: outcome, and the slots that failed. */
function ending(simulation: Simulation): readonly unknown[] {
  const [last] = logged(simulation.effects, "reloadFinished").slice(-1);
  const failed = (last?.failed ?? []) as readonly { readonly slot: number; readonly why: string }[];
  return [last?.outcome, ...failed.map(({ slot }) => slot)];
}

/** The sentence about how the last reload ended. */
function sentence(simulation: Simulation): string {
  const lines = ofType(simulation.effects, "log");
  return lines.findLast(({ fields }) => fields.event === "reloadFinished")?.text ?? "";
}

Deno.test("step() replaces one slot after the other, when a chain reload is asked for", () => {
  const simulation = Simulation.running({ processes: 3 });
  assertEquals(spawns(simulation.reload("chain")), ["1: g2"]);
  for (const slot of [1, 2, 3]) {
    const old = simulation.oldest(slot);
    const effects = simulation.accept(simulation.newest(slot));
    assertEquals(ofType(effects, "retire").map(({ worker }) => worker), [old.id]);
    assertEquals(spawns(effects), slot < 3 ? [`${slot + 1}: g2`] : []);
  }
  assertEquals(ending(simulation), ["done"]);
  assertEquals(simulation.state.reload, null);
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g2 accepting", "3: g2 accepting"]);
});

Deno.test("step() goes on with the chain, when the old worker takes long to leave", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.accept(simulation.newest(1));
  simulation.accept(simulation.newest(2));
  assertEquals(simulation.workers, [
    "1: g1 retiring",
    "1: g2 accepting",
    "2: g1 retiring",
    "2: g2 accepting",
  ]);
  assertEquals(ending(simulation), ["done"]);
});

Deno.test("step() keeps an acceptor, when there is only one process to reload", () => {
  const simulation = Simulation.running();
  simulation.reload("chain");
  assertEquals(simulation.workers, ["1: g1 accepting", "1: g2 starting"]);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers, ["1: g1 retiring", "1: g2 accepting"]);
});

Deno.test("step() keeps the old worker, when the only new one fails to start", () => {
  const simulation = Simulation.running();
  simulation.reload("chain");
  simulation.exit(simulation.newest(1), "exited with code 1", "SyntaxError: x");
  assertEquals(simulation.workers, ["1: g1 accepting"]);
  assertEquals([simulation.state.generation, simulation.outcome], [1, null]);
  assertEquals(ending(simulation), ["rolled-back", 1]);
  assertStringIncludes(sentence(simulation), "SyntaxError: x");
});

Deno.test("step() ends the chain and says who runs what, when it fails in the middle", () => {
  const simulation = Simulation.running({ processes: 4 });
  simulation.reload("chain");
  simulation.accept(simulation.newest(1));
  const effects = simulation.exit(simulation.newest(2));
  simulation.exitLeaving();
  assertEquals(spawns(effects), []);
  assertEquals(simulation.workers, [
    "1: g2 accepting",
    "2: g1 accepting",
    "3: g1 accepting",
    "4: g1 accepting",
  ]);
  assertEquals(ending(simulation), ["failed", 2]);
  assertStringIncludes(
    sentence(simulation),
    "Slot 1 runs generation 2; slots 2, 3, 4 run generation 1",
  );
});

Deno.test("step() ends the chain, when a new worker does not accept in time", () => {
  const simulation = Simulation.running({ processes: 2, startTimeoutMs: 2_000 });
  simulation.reload("chain");
  const effects = simulation.advance(2_000);
  assertEquals(signals(effects), ["3 SIGKILL"]);
  assertEquals(ending(simulation), ["rolled-back", 1]);
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
});

Deno.test("step() ends the chain, when no process can be created", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  const worker = simulation.newest(1).id;
  simulation.happen({ type: "spawnFailed", worker, error: "Resource temporarily unavailable" });
  assertEquals(ending(simulation), ["rolled-back", 1]);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
});

Deno.test("step() respawns the confirmed generation, when a worker dies after a chain that failed", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.exit(simulation.newest(1));
  assertEquals(spawns(simulation.exit(simulation.newest(2))), ["2: g1"]);

  const halfway = Simulation.running({ processes: 2 });
  halfway.reload("chain");
  halfway.accept(halfway.newest(1));
  halfway.exit(halfway.newest(2));
  assertEquals(spawns(halfway.exit(halfway.oldest(2))), []);
  assertEquals(spawns(halfway.advance(300)), ["2: g2"]);
});

Deno.test("step() waits for the new worker, when the old one dies while it starts", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  assertEquals(spawns(simulation.exit(simulation.oldest(1))), []);
  assertEquals(simulation.workers, ["1: g2 starting", "2: g1 accepting"]);
  assertEquals(spawns(simulation.accept(simulation.newest(1))), ["2: g2"]);
});

Deno.test("step() starts the old generation again, when old and new worker of a slot die in a chain", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.exit(simulation.oldest(1));
  simulation.exit(simulation.newest(1));
  simulation.advance(250);
  assertEquals(simulation.workers, ["1: g1 starting", "2: g1 accepting"]);
  assertEquals(ending(simulation), ["failed", 1]);
  assertStringIncludes(sentence(simulation), "Slot 1 runs no worker; slot 2 runs generation 1");
});

Deno.test("step() counts a slot as replaced, when its new worker dies right after it accepted", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.accept(simulation.newest(1));
  assertEquals(spawns(simulation.exit(simulation.newest(1))), ["1: g2"]);
  simulation.accept(simulation.newest(2));
  assertEquals(ending(simulation), ["done"]);
  assertEquals(simulation.workers, [
    "1: g1 retiring",
    "1: g2 starting",
    "2: g1 retiring",
    "2: g2 accepting",
  ]);
});

Deno.test("step() replaces a slot whose worker waits for its next start, when the chain comes to it", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.exit(simulation.newest(2));
  simulation.exit(simulation.newest(2));
  simulation.reload("chain");
  assertEquals(spawns(simulation.accept(simulation.newest(1))), ["2: g2"]);
  assertEquals(spawns(simulation.advance(10_000)), []);
  simulation.accept(simulation.newest(2));
  assertEquals(ending(simulation), ["done"]);
});

Deno.test("step() starts one new worker at a time, when a later slot's worker was respawned meanwhile", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.reload("chain");
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.newest(3));
  assertEquals(simulation.workers.slice(-1), ["3: g2 starting"]);
  simulation.accept(simulation.newest(3));
  const effects = simulation.accept(simulation.newest(2));
  // Slot 3 runs the new generation already.
  assertEquals(spawns(effects), []);
  assertEquals(ending(simulation), ["done"]);
});

Deno.test("step() replaces all slots at once, when a reload of everything is asked for", () => {
  const simulation = Simulation.running({ processes: 3 });
  const effects = simulation.reload("all");
  assertEquals(ofType(effects, "readConfiguration").length, 1);
  assertEquals(spawns(effects), ["1: g2", "2: g2", "3: g2"]);
  const confirmed = simulation.accept(simulation.newest(2));
  assertEquals(ofType(confirmed, "confirm"), [{ type: "confirm", generation: 2 }]);
  assertEquals(simulation.workers, [
    "1: g1 accepting",
    "1: g2 starting",
    "2: g1 retiring",
    "2: g2 accepting",
    "3: g1 accepting",
    "3: g2 starting",
  ]);
  simulation.acceptAll();
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g2 accepting", "3: g2 accepting"]);
  assertEquals(ending(simulation), ["done"]);
  assertEquals(ofType(simulation.effects, "confirm").length, 1);
});

Deno.test("step() keeps old workers where the new ones failed, when a reload of everything fails in part", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.reload("all");
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  assertEquals(ending(simulation), [undefined]);
  simulation.accept(simulation.newest(3));
  simulation.exitLeaving();
  assertEquals(ending(simulation), ["failed", 2]);
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g1 accepting", "3: g2 accepting"]);
  assertStringIncludes(
    sentence(simulation),
    "Slots 1, 3 run generation 2; slot 2 runs generation 1",
  );
});

Deno.test("step() keeps everything, when the configuration has errors", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.configuration = null;
  const effects = simulation.reload("all");
  assertEquals([spawns(effects), ofType(effects, "retire")], [[], []]);
  assertEquals(simulation.workers, ["1: g1 accepting", "2: g1 accepting"]);
  const { reload, generation, settings, nextSettings } = simulation.state;
  assertEquals([reload, generation, settings.processes, nextSettings], [null, 1, 2, null]);
  assertEquals(ending(simulation), ["failed"]);
});

Deno.test("step() reloads with the corrected configuration, when the one before had errors", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.configuration = null;
  simulation.reload("all");
  simulation.configuration = SETTINGS;
  simulation.reload("all");
  simulation.acceptAll();
  assertEquals(ending(simulation), ["done"]);
});

Deno.test("step() uses changed settings, when the first worker of the new generation accepts", () => {
  const simulation = Simulation.running({ processes: 1, mercyMs: 1_000 });
  simulation.configuration = {
    processes: 1,
    startTimeoutMs: 5_000,
    mercyMs: 2_000,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  simulation.reload("all");
  assertEquals(simulation.dueIn, 5_000);
  assertEquals(simulation.state.settings.mercyMs, 1_000);
  const effects = simulation.accept(simulation.newest(1));
  assertEquals(simulation.state.settings, simulation.configuration);
  assertEquals(ofType(effects, "retire").length, 1);
});

Deno.test("step() forgets changed settings, when no worker starts with them", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.configuration = {
    processes: 3,
    startTimeoutMs: 1_000,
    mercyMs: 1,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  simulation.reload("all");
  simulation.advance(1_000);
  simulation.exitLeaving();
  assertEquals(ending(simulation), ["rolled-back", 1, 2, 3]);
  assertEquals([simulation.state.settings, simulation.state.nextSettings], [SETTINGS, null]);
});

Deno.test("step() adds slots, when the new configuration has more processes", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.configuration = SETTINGS;
  assertEquals(spawns(simulation.reload("all")), ["1: g2", "2: g2", "3: g2"]);
  simulation.acceptAll();
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g2 accepting", "3: g2 accepting"]);
  assertEquals(simulation.state.settings.processes, 3);
});

Deno.test("step() starts a slot that was added again, when its first worker fails and others accept", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.configuration = SETTINGS;
  simulation.reload("all");
  simulation.exit(simulation.newest(3));
  simulation.accept(simulation.newest(1));
  simulation.accept(simulation.newest(2));
  assertEquals(ending(simulation), ["failed", 3]);
  assertEquals(simulation.state.settings.processes, 3);
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g2 accepting", "3: g2 starting"]);
});

Deno.test("step() leaves added slots empty, when no worker of the new configuration accepts", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.configuration = SETTINGS;
  simulation.reload("all");
  for (const slot of [1, 2, 3]) simulation.exit(simulation.newest(slot));
  assertEquals(spawns(simulation.advance(100_000)), ["1: g2", "2: g2", "3: g2"].slice(3));
  assertEquals(simulation.workers, ["1: g1 accepting"]);
  assertEquals(simulation.state.settings.processes, 1);
});

Deno.test("step() sends surplus workers away last, when the new configuration has fewer processes", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.configuration = { ...SETTINGS, processes: 1 };
  assertEquals(spawns(simulation.reload("all")), ["1: g2"]);
  assertEquals(simulation.workers.slice(2), ["2: g1 accepting", "3: g1 accepting"]);
  const effects = simulation.accept(simulation.newest(1));
  assertEquals(ofType(effects, "retire").map(({ worker, reason }) => [worker, reason]), [
    [1, "reload"],
    [2, "scaled-down"],
    [3, "scaled-down"],
  ]);
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting"]);
  assertEquals(spawns(simulation.advance(100_000)), []);
});

Deno.test("step() keeps all slots, when a reload with fewer processes fails", () => {
  const simulation = Simulation.running({ processes: 3 });
  simulation.configuration = { ...SETTINGS, processes: 2 };
  simulation.reload("all");
  simulation.accept(simulation.newest(1));
  simulation.exit(simulation.newest(2));
  simulation.exitLeaving();
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g1 accepting", "3: g1 accepting"]);
  assertEquals(simulation.state.settings.processes, 3);
});

Deno.test("step() respawns a slot that is about to go, when its worker dies before the reload is through", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.configuration = { ...SETTINGS, processes: 1 };
  simulation.reload("all");
  assertEquals(spawns(simulation.exit(simulation.newest(2))), ["2: g1"]);
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.workers.slice(2), ["2: g1 retiring"]);
});

Deno.test("step() brings slots back, when processes go down and up again", () => {
  const simulation = Simulation.running({ processes: 3 });
  for (const processes of [1, 3]) {
    simulation.configuration = { ...SETTINGS, processes };
    simulation.reload("all");
    simulation.acceptAll();
    simulation.exitLeaving();
  }
  assertEquals(simulation.workers, ["1: g3 accepting", "2: g3 accepting", "3: g3 accepting"]);
  assertEquals(simulation.state.coverage, {});
});

Deno.test("step() starts the waiting reload when the running one is through and its workers are gone", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  const effects = simulation.reload("chain");
  assertEquals(spawns(effects), []);
  assertEquals(logged(effects, "reloadRequested").map(({ queued }) => queued), [true]);
  simulation.accept(simulation.newest(1));
  simulation.accept(simulation.newest(2));
  assertEquals(simulation.state.queued?.kind, "chain");
  simulation.exit(simulation.oldest(1));
  assertEquals(simulation.workers, ["1: g2 accepting", "2: g1 retiring", "2: g2 accepting"]);
  assertEquals(spawns(simulation.exit(simulation.oldest(2))), ["1: g3"]);
});

Deno.test("step() keeps one waiting reload, when several are asked for", () => {
  const simulation = Simulation.running();
  simulation.reload("chain");
  for (let i = 0; i < 5; i++) simulation.reload("chain");
  for (let generation = 2; generation <= 4; generation++) {
    simulation.acceptAll();
    simulation.exitLeaving();
  }
  assertEquals(simulation.workers, ["1: g3 accepting"]);
  assertEquals([simulation.state.reload, simulation.state.queued], [null, null]);
});

Deno.test("step() lets a reload of everything outrank a chain, when both wait", () => {
  for (const order of [["chain", "all"], ["all", "chain"]] as const) {
    const simulation = Simulation.running({ processes: 2 });
    simulation.reload("chain");
    order.forEach((kind) => simulation.reload(kind));
    assertEquals(simulation.state.queued?.kind, "all", order.join());
    simulation.acceptAll();
    simulation.acceptAll();
    simulation.exitLeaving();
    assertEquals(simulation.state.reload?.kind, "all", order.join());
  }
});

Deno.test("step() starts the waiting reload, when the running one fails", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.reload("chain");
  simulation.reload("all");
  const effects = simulation.exit(simulation.newest(1));
  assertEquals(spawns(effects), ["1: g3", "2: g3"]);
});

Deno.test("step() starts the waiting reload, when the configuration of the running one has errors", () => {
  const simulation = Simulation.running({ processes: 2 });
  simulation.configuration = null;
  simulation.reload("chain");
  simulation.reload("all");
  simulation.exit(simulation.newest(1));
  assertEquals(ending(simulation), ["failed"]);
  assertEquals(spawns(simulation.reload("chain")), ["1: g4"]);
});

Deno.test("step() begins a reload that was asked for while starting, when the first worker accepts", () => {
  const simulation = new Simulation({ processes: 2 });
  simulation.happen({ type: "start" });
  assertEquals(spawns(simulation.reload("chain")), []);
  assertEquals(spawns(simulation.accept(simulation.newest(1))), ["1: g2"]);
  // The second slot's first worker is still on its way when the chain comes to it.
  assertEquals(spawns(simulation.accept(simulation.newest(1))), ["2: g2"]);
  simulation.accept(simulation.newest(2));
  assertEquals(simulation.workers, [
    "1: g1 retiring",
    "1: g2 accepting",
    "2: g1 retiring",
    "2: g2 accepting",
  ]);
  assertEquals(ending(simulation), ["done"]);
});

Deno.test("step() keeps both workers of a slot, when the old one accepts while the new one starts", () => {
  const simulation = new Simulation({ processes: 2 });
  simulation.happen({ type: "start" });
  simulation.accept(simulation.newest(1));
  simulation.reload("all");
  simulation.accept(simulation.oldest(2));
  assertEquals(simulation.workers.slice(2), ["2: g1 accepting", "2: g2 starting"]);
  simulation.acceptAll();
  assertEquals(simulation.workers.slice(2), ["2: g1 retiring", "2: g2 accepting"]);
});

Deno.test("step() begins no reload while workers of the last one are leaving, and none is lost", () => {
  const simulation = Simulation.running({ mercyMs: 1_000 });
  simulation.reload("chain");
  simulation.acceptAll();
  assertEquals(spawns(simulation.reload("chain")), []);
  simulation.advance(1_000);
  assertEquals(simulation.workers, ["1: g1 killed", "1: g2 accepting"]);
  assertEquals(spawns(simulation.exit(simulation.oldest(1))), ["1: g3"]);
});

Deno.test("step() uses the settings in use, when a chain follows a reload whose workers all failed", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.configuration = {
    processes: 3,
    startTimeoutMs: 1,
    mercyMs: 1,
    rollback: false,
    verifyMs: 0,
    respawnLimit: 0,
    dieOnNoWorkers: false,
  };
  simulation.reload("all");
  simulation.advance(1);
  simulation.exitLeaving();
  assertEquals(spawns(simulation.reload("chain")), ["1: g3"]);
  assertEquals(simulation.dueIn, 60_000);
  simulation.acceptAll();
  assertEquals(simulation.state.settings.processes, 1);
});

Deno.test("step() logs no failed reload, when a configuration has errors that nobody waits for", () => {
  const simulation = Simulation.running();
  simulation.happen({ type: "notConfigured", why: "it is wrong" });
  assertEquals(ending(simulation), [undefined]);
});

Deno.test("step() announces ready, when the slots in use are open and a scaled-down one never was", () => {
  const simulation = new Simulation({ processes: 2 });
  simulation.happen({ type: "start" });
  simulation.exit(simulation.newest(2));
  simulation.accept(simulation.newest(1));
  simulation.configuration = { ...SETTINGS, processes: 1 };
  simulation.reload("all");
  simulation.accept(simulation.newest(1));
  assertEquals(simulation.state.settings.processes, 1);
  assertEquals(ofType(simulation.effects, "ready").length, 1);
});

Deno.test("step() replaces the master's program when a waiting reload was merged with one that asks for it", () => {
  const simulation = Simulation.running({ processes: 1 });
  simulation.reload("chain");
  simulation.happen({ type: "reload", kind: "all", program: true, why: "test" });
  simulation.reload("all");
  simulation.accept(simulation.newest(1));
  simulation.forget();
  simulation.exitLeaving();
  assertEquals(ofType(simulation.effects, "readConfiguration"), [
    { type: "readConfiguration", program: true },
  ]);
});
