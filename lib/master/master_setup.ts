/**
 * Runs in the master. What a master is started with, and what it takes from a configuration.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { whoAccepts } from "../core/worker_count.ts";
import { importState } from "../core/handover_state.ts";
import {
  desiredSlots,
  initialState,
  liveWorkers,
  type MasterState,
  type Settings,
} from "../core/state.ts";
import type { InProcessOperator } from "./operators/in_process.ts";
import { logLine } from "./log.ts";
import type { Upgrade } from "./upgrade/upgrade.ts";
import type { ServiceManager } from "./service_manager/service_manager.ts";
import type { SignalSource } from "./operators/signals.ts";
import type { Resources } from "./resources.ts";
import type { Handover } from "./handover.ts";
import type { RunConfig } from "./run_config.ts";

/** A configuration that was read again. */
export interface RereadResult {
  readonly instruction: RunConfig;
  /** The same, with what takes a new program of the master. */
  readonly whole: RunConfig;
  /** True if `whole` says more, or the program itself is another one. */
  readonly outdated: boolean;
}

/** What reloads need beside new workers. */
export interface ReloadSupport {
  /**
   * Reads the configuration again, compares it with the one in use, and logs its problems. A text: why
   * it is no good.
   */
  readonly readAgain: (current: Config) => RereadResult | string;
  /** Replaces the master's program; null where that is not possible. */
  readonly replacement: Upgrade | null;
}

/** What the master is started with. */
export interface MasterSetup {
  readonly instruction: RunConfig;
  /** Absolute paths of the INI files it was read from. */
  readonly configuration: readonly string[];
  readonly resources: Resources;
  /** The signals, also those that came before; whoever made it closes it. */
  readonly signals: SignalSource;
  /** Whoever commands it from inside its process; null: nobody. */
  readonly host: InProcessOperator | null;
  /** Null: nobody wants to be told how the instance is. */
  readonly serviceManager: ServiceManager | null;
  /** What the program that was here before has passed on; null: this is the first one. */
  readonly inheritance: Handover | null;
  /** Loads what reloads need: not only when there is one, because by then other files may be there. */
  readonly reloading: () => Promise<ReloadSupport>;
  /** Called when every slot accepts for the first time. */
  readonly onReady: () => void;
}

/** What the decisions of `lib/core` depend on. */
export function coreSettings(config: Config): Settings {
  return {
    processes: config.processes,
    startTimeoutMs: config.startTimeoutMs,
    mercyMs: config.workerReloadMercyMs,
    rollback: config.chainReloadRollback,
    verifyMs: config.chainReloadVerifyMs,
    respawnLimit: config.respawnLimit,
    dieOnNoWorkers: config.dieOnNoWorkers,
  };
}

/** True if somebody may have a reason to command the master before its workers are there. */
export function hasControlEndpoint({ masterFifo, controlSocket }: Config): boolean {
  return masterFifo.length > 0 || controlSocket !== "";
}

/** The state in which a master begins, or goes on; `want`: how many slots are to have a worker, null: all. */
export function stateAtStart(
  { instruction, resources: { listeners }, inheritance }: MasterSetup,
  want: number | null,
): MasterState {
  const settings = coreSettings(instruction.config);
  const { perSlot, firstListens } = listeners;
  const at = performance.now();
  const state = inheritance === null
    ? initialState(settings, perSlot, at, want)
    : importState(settings, perSlot, at, inheritance.inheritance);
  return { ...state, want, firstListens };
}

/**
 * No reload runs any more: sockets that a failed one has opened go with it.
 *
 * @returns True if there are others than before.
 */
export function settleSockets(
  setup: MasterSetup,
  before: MasterState,
  state: MasterState,
): boolean {
  const { listeners } = setup.resources;
  const areOthers = listeners.takeBack();
  if (before.reload !== null) listeners.settleFresh(isFirstNew(setup, state));
  return areOthers;
}

/** Why the master's program cannot be replaced. */
export function whyProgramStays({ host }: MasterSetup): string {
  return host === null
    ? "the master's program cannot be replaced without foreign functions"
    : "the process belongs to another program, which is not replaced";
}

/** True if slot 1 has a worker that this program has started, or nobody needs one. */
function isFirstNew({ inheritance }: MasterSetup, state: MasterState): boolean {
  const first = inheritance?.inheritance.nextWorker ?? 0;
  return desiredSlots(state) === 0 || liveWorkers(state, 1).some(({ id }) => id >= first);
}

/** Everybody accepts who is to: shows that, and says so. */
export function tellReady(
  { scoreboard, listeners }: Resources,
  workers: number,
  afterMs: number,
): void {
  scoreboard.markReady();
  logLine("info", `${whoAccepts(workers)} after ${Math.round(afterMs)} ms`, {
    event: "ready",
    workers,
    sockets: listeners.sockets.map((socket) => socket.address),
    afterMs: Math.round(afterMs),
  });
}
