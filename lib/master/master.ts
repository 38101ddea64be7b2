/**
 * Runs in the master: takes what happens, asks `step` what it means, and does what it says. The only
 * place that waits.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Effect, Happening, MasterEvent, Outcome } from "../core/event.ts";
import { initialState, type MasterState, nextDeadline, type ReloadKind } from "../core/state.ts";
import { step } from "../core/step.ts";
import type { ModuleOptions } from "../protocol/worker_environment.ts";
import { Crew } from "./crew.ts";
import { EventQueue } from "./event_queue.ts";
import { logLine } from "./log.ts";
import type { ServiceManager } from "./service_manager.ts";
import type { SignalInbox } from "./signals.ts";
import type { Surroundings } from "./surroundings.ts";
import { TouchFiles } from "./touch_files.ts";

/** A configuration together with what `uwsgi.opt` shows of it. */
export interface Instruction {
  readonly config: Config;
  readonly opt: ModuleOptions;
}

/** What the master is started with. */
export interface MasterSetup {
  readonly instruction: Instruction;
  readonly surroundings: Surroundings;
  /** The signals, also those that came before; whoever made it closes it. */
  readonly signals: SignalInbox;
  /** Null: nobody wants to be told how the instance is. */
  readonly serviceManager: ServiceManager | null;
  /**
   * Reads the configuration again, compares it with the one in use, and logs its problems. Null: it
   * is no good.
   */
  readonly readAgain: (current: Config) => Instruction | null;
  /** Called when every slot accepts for the first time. */
  readonly onReady: () => void;
}

/** Runs an instance until it ends. */
export async function runMaster(setup: MasterSetup): Promise<Outcome> {
  const { surroundings, serviceManager } = setup;
  const queue = new EventQueue<MasterEvent>();
  const report = (happening: Happening) => queue.put({ ...happening, at: performance.now() });
  const crew = new Crew(surroundings, report);
  const touchFiles = new TouchFiles<ReloadKind>((kind, path) =>
    report({ type: "reload", kind, why: `${path} was touched` })
  );
  const master = new Master(setup, crew, touchFiles, report);
  setup.signals.deliver(report);
  try {
    master.take({ type: "start", at: performance.now() });
    master.watchTouchFiles();
    while (master.outcome === null) {
      const deadline = earlier(nextDeadline(master.state), serviceManager?.deadline ?? null);
      const event = await queue.next(deadline);
      master.take(event ?? { type: "tick", at: performance.now() });
    }
    return master.outcome;
  } finally {
    touchFiles.close();
  }
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.min(a, b);
}

/** The state and the hands that carry out what it asks for. */
class Master {
  state: MasterState;
  outcome: Outcome | null = null;
  readonly #setup: MasterSetup;
  readonly #crew: Crew;
  readonly #touchFiles: TouchFiles<ReloadKind>;
  readonly #report: (happening: Happening) => void;
  #current: Instruction;
  #next: Instruction | null = null;

  constructor(
    setup: MasterSetup,
    crew: Crew,
    touchFiles: TouchFiles<ReloadKind>,
    report: (happening: Happening) => void,
  ) {
    this.#setup = setup;
    this.#crew = crew;
    this.#touchFiles = touchFiles;
    this.#report = report;
    this.#current = setup.instruction;
    const perSlot = setup.surroundings.listeners.perSlot;
    this.state = initialState(settingsOf(this.#current.config), perSlot, performance.now());
  }

  take(event: MasterEvent): void {
    const { state, effects } = step(this.state, event);
    const before = this.state;
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    // A configuration that no worker has confirmed goes with its reload.
    if (this.state.reload === null) this.#next = null;
    this.#crew.show(before, state);
    this.#setup.serviceManager?.show(before, state, effects);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "spawn":
        return this.#crew.spawn(effect, this.#instructionFor(effect.generation));
      case "retire":
        return this.#crew.send(effect.worker, {
          type: "retire",
          reason: effect.reason,
          mercyMs: effect.mercyMs,
        });
      case "cover":
        return this.#crew.send(effect.worker, { type: "cover", slots: effect.slots });
      case "signal":
        return this.#crew.signal(effect.worker, effect.signal);
      case "readConfiguration":
        return this.#readConfiguration();
      case "closeSockets":
        return this.#setup.surroundings.listeners.close(this.#current.config.vacuum);
      case "confirm":
        return this.#confirm(effect.generation);
      case "ready":
        return this.#ready(effect.afterMs);
      case "verdict":
        return;
      case "log":
        return logLine(effect.level, effect.text, effect.fields);
      case "exit":
        this.outcome = effect.outcome;
    }
  }

  #instructionFor(generation: number): Instruction {
    return generation > this.state.generation && this.#next !== null ? this.#next : this.#current;
  }

  #readConfiguration(): void {
    const next = this.#setup.readAgain(this.#current.config);
    if (next === null) return this.#report({ type: "notConfigured" });
    const problem = this.#makeRoom(next.config);
    if (problem !== null) {
      logLine("error", problem, { event: "problem" });
      return this.#report({ type: "notConfigured" });
    }
    this.#next = next;
    this.#report({ type: "configured", settings: settingsOf(next.config) });
  }

  /** Binds the sockets of new slots; says what is in the way. */
  #makeRoom(config: Config): string | null {
    const { listeners } = this.#setup.surroundings;
    const deaf = this.state.workers.some((worker) =>
      worker.state === "accepting" && !worker.covers
    );
    if (config.processes < this.state.slots.length && listeners.perSlot && deaf) {
      return "Fewer processes need a restart, because the script does not serve all sockets " +
        "through the uwsgi module and nobody else could take the queues of the slots that go";
    }
    try {
      listeners.grow(config.processes);
      return null;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `Cannot open the sockets of ${config.processes} processes: ${reason}`;
    }
  }

  #confirm(generation: number): void {
    this.#crew.forgetBefore(generation);
    if (this.#next === null) return;
    this.#current = this.#next;
    this.#next = null;
    this.watchTouchFiles();
  }

  watchTouchFiles(): void {
    const { touchReload, touchChainReload } = this.#current.config;
    this.#touchFiles.watch([
      ...touchReload.map((path) => ({ path, what: "all" as const })),
      ...touchChainReload.map((path) => ({ path, what: "chain" as const })),
    ]);
  }

  #ready(afterMs: number): void {
    const { scoreboard, listeners } = this.#setup.surroundings;
    scoreboard.markReady();
    const workers = this.state.settings.processes;
    const who = workers === 1 ? "The worker accepts" : `All ${workers} workers accept`;
    logLine("info", `${who} after ${Math.round(afterMs)} ms`, {
      event: "ready",
      workers,
      sockets: listeners.sockets.map((socket) => socket.address),
      afterMs: Math.round(afterMs),
    });
    this.#setup.onReady();
  }
}

function settingsOf(config: Config): MasterState["settings"] {
  return {
    processes: config.processes,
    startTimeoutMs: config.startTimeoutMs,
    mercyMs: config.workerReloadMercyMs,
  };
}
