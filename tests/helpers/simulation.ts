/**
 * Plays the processes of an instance: takes the effects that `step` asks for, lets a test decide when
 * a worker accepts or exits, and moves a clock of its own from deadline to deadline.
 *
 * Whatever a test plays, every step is checked: the state that went in stays as it was, and no slot
 * loses its accepting worker unless that worker, or the one who runs the instance, wants it so.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Effect, TimedEvent } from "../../lib/core/event.ts";
import {
  desiredSlots,
  initialState,
  type MasterState,
  nextDeadline,
  type ReloadKind,
  type Settings,
  type Worker,
} from "../../lib/core/state.ts";
import { step } from "../../lib/core/step.ts";
import { deepFreeze } from "./deep_freeze.ts";

/** An event without its time. */
export type Happening = TimedEvent extends infer E
  ? E extends { readonly at: number } ? Omit<E, "at">
  : never
  : never;

/** What an instance is made of. */
export interface SimulationOptions {
  /** @default 1 */
  readonly processes?: number;
  /** @default 60 s */
  readonly startTimeoutMs?: number;
  /** @default 60 s */
  readonly mercyMs?: number;
  /** @default false */
  readonly rollback?: boolean;
  /** @default 0 */
  readonly verifyMs?: number;
  /** @default 0 */
  readonly respawnLimit?: number;
  /** @default false */
  readonly dieOnNoWorkers?: boolean;
  /** As in the state. @default null */
  readonly want?: number;
  /** @default true */
  readonly socketPerSlot?: boolean;
}

/** More deadlines at one moment than this are a master that spins. */
const MOST_TICKS_AT_ONCE = 50;

/** A master without a world. */
export class Simulation {
  /** The state of the master. */
  state: MasterState;
  /** The time, in milliseconds. */
  at = 5_000;
  /** Everything the master asked for since {@linkcode forget}. */
  effects: Effect[] = [];
  /** What the configuration file says, for the next reload of everything; null: it has errors. */
  configuration: Settings | null;
  /** Processes that exist, by the number of their worker. */
  readonly processes = new Set<number>();
  /** How the instance ended; null: it has not. */
  outcome: string | null = null;

  /** Nothing has happened yet. */
  constructor(options: SimulationOptions = {}) {
    const { processes = 1, startTimeoutMs = 60_000, mercyMs = 60_000 } = options;
    const { rollback = false, verifyMs = 0, want = null } = options;
    const { respawnLimit = 0, dieOnNoWorkers = false } = options;
    const settings = {
      processes,
      startTimeoutMs,
      mercyMs,
      rollback,
      verifyMs,
      respawnLimit,
      dieOnNoWorkers,
    };
    this.configuration = settings;
    this.state = initialState(settings, options.socketPerSlot ?? true, this.at, want);
  }

  /** An instance whose workers all accept. */
  static running(options: SimulationOptions = {}): Simulation {
    const simulation = new Simulation(options);
    simulation.happen({ type: "start" });
    simulation.acceptAll();
    simulation.forget();
    return simulation;
  }

  /** Lets something happen, then whatever is due at once; returns the effects of it all. */
  happen(masterEvent: Happening): readonly Effect[] {
    const known = this.effects.length;
    this.#take(masterEvent);
    this.#tick();
    return this.effects.slice(known);
  }

  /** Forgets the effects so far. */
  forget(): void {
    this.effects = [];
  }

  /** Lets time pass; every deadline on the way is met. */
  advance(ms: number): readonly Effect[] {
    const known = this.effects.length;
    const end = this.at + ms;
    for (let next = this.#next(); next !== null && next <= end; next = this.#next()) {
      this.at = Math.max(this.at, next);
      this.#tick();
    }
    this.at = end;
    return this.effects.slice(known);
  }

  /** Milliseconds until something is due by itself; null: nothing is. */
  get dueIn(): number | null {
    const next = this.#next();
    return next === null ? null : next - this.at;
  }

  /** The newest worker of a slot that exists. */
  newest(slot: number): Worker {
    const worker = this.state.workers.findLast((one) => one.slot === slot);
    if (worker === undefined) throw new Error(`Slot ${slot} has no worker`);
    return worker;
  }

  /** The oldest worker of a slot that exists. */
  oldest(slot: number): Worker {
    const worker = this.state.workers.find((one) => one.slot === slot);
    if (worker === undefined) throw new Error(`Slot ${slot} has no worker`);
    return worker;
  }

  /** A worker says that it accepts, or does not for a while. */
  accept(worker: Worker, on = true, covers = true): readonly Effect[] {
    return this.happen({ type: "accepting", worker: worker.id, on, covers });
  }

  /** Every worker that is starting, or was recalled, accepts. */
  acceptAll(): void {
    for (const worker of this.state.workers) {
      if (worker.state === "starting" || worker.state === "recalled") this.accept(worker);
    }
  }

  /** A process ends. */
  exit(worker: Worker, how = "exited with code 1", error: string | null = null): readonly Effect[] {
    return this.happen({ type: "exited", worker: worker.id, how, error });
  }

  /** Every worker that was told to leave, or killed, does so. */
  exitLeaving(): void {
    for (const worker of this.state.workers) {
      if (worker.state === "retiring" || worker.state === "killed") {
        this.exit(worker, "exited with code 0");
      }
    }
  }

  /** Somebody asks for a reload, and may wait for it. */
  reload(kind: ReloadKind, ticket?: number): readonly Effect[] {
    const waiting = ticket === undefined ? {} : { ticket };
    return this.happen({ type: "reload", kind, why: "test", ...waiting });
  }

  /** Somebody asks the instance to stop. */
  stop(): readonly Effect[] {
    return this.happen({ type: "stop", why: "SIGTERM" });
  }

  /** All workers by slot and age: `1: g1 accepting`. */
  get workers(): readonly string[] {
    return this.state.workers
      .toSorted((a, b) => a.slot - b.slot || a.id - b.id)
      .map((worker) => `${worker.slot}: g${worker.generation} ${worker.state}`);
  }

  #next(): number | null {
    return this.outcome === null ? nextDeadline(this.state) : null;
  }

  #tick(): void {
    for (let ticks = 0; (this.#next() ?? Infinity) <= this.at; ticks++) {
      assert(ticks < MOST_TICKS_AT_ONCE, "the master ticks for ever");
      this.#take({ type: "tick" });
    }
  }

  #take(masterEvent: Happening): void {
    assert(this.outcome === null, "something happens after the end");
    const event = { ...masterEvent, at: this.at } as TimedEvent;
    const before = deepFreeze(this.state);
    const { state, effects } = step(before, event);
    this.state = state;
    this.effects.push(...effects);
    if (event.type === "exited" || event.type === "spawnFailed") {
      this.processes.delete(event.worker);
    }
    assertNoGap(before, state, event);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "spawn":
        this.processes.add(effect.worker);
        return this.#take({ type: "spawned", worker: effect.worker, pid: 1000 + effect.worker });
      case "readConfiguration":
        return this.#take(
          this.configuration === null
            ? { type: "notConfigured", why: "the configuration has errors" }
            : { type: "configured", settings: this.configuration },
        );
      case "exit":
        this.outcome = effect.outcome;
    }
  }
}

/** Start before stop: whoever takes a slot's last accepting worker away must have a good reason. */
function assertNoGap(before: MasterState, after: MasterState, event: TimedEvent): void {
  if (event.type === "stop") return;
  for (const { number } of before.slots) {
    const old = acceptor(before, number);
    if (old === undefined || acceptor(after, number) !== undefined) continue;
    const own = "worker" in event && event.worker === old.id;
    const reason = after.workers.find((worker) => worker.id === old.id)?.reason;
    const unwanted = reason === "scaled-down" || number > desiredSlots(after);
    assert(own || unwanted, `slot ${number} lost its worker by ${event.type}`);
  }
}

function acceptor(state: MasterState, slot: number): Worker | undefined {
  return state.workers.find((worker) => worker.slot === slot && worker.state === "accepting");
}
