/**
 * Runs in the master. Everything beside the workers: daemons, commands at certain times, mules, and the
 * hooks that run while workers serve. Loaded only when the configuration has some of it.
 *
 * @module
 */

import { hasServingHooks, type HookPhase } from "../../config/options/hooks.ts";
import type { MasterEvent } from "../../core/event.ts";
import { type LifecycleEvent, milestones } from "../../core/lifecycle_events.ts";
import type { MasterState } from "../../core/state.ts";
import type { StatsCron, StatsDaemon } from "../../stats/stats.ts";
import { logChildLine } from "../logging/child_output.ts";
import type { Resources } from "../resources.ts";
import type { ChildOptions } from "./child.ts";
import { Crons, momentOf } from "./crons.ts";
import { Daemons } from "./daemons.ts";
import { runLateHooks } from "./hooks.ts";
import { Mules } from "./mules.ts";
import { guarded } from "../guarded.ts";
import type { RunConfig } from "../run_config.ts";

/** What is beside the workers of an instance. */
export class Companions {
  readonly #daemons: Daemons;
  readonly #crons: Crons;
  readonly #mules: Mules;
  #instruction: RunConfig;
  #hooks: Promise<void> = Promise.resolve();
  #brutal = false;

  /** Nothing is started yet. */
  constructor(
    instruction: RunConfig,
    resources: Resources,
    report: (masterEvent: MasterEvent) => void,
  ) {
    this.#instruction = instruction;
    const config = () => this.#instruction.config;
    const printed = (logger: string): ChildOptions["onLine"] => (stream, line) =>
      logChildLine({ logger, fields: {} }, stream, line);
    this.#daemons = new Daemons({
      config,
      onLine: printed("daemon"),
      stopInstance: (why) => report({ type: "stop", why }),
    });
    this.#crons = new Crons({ config, onLine: printed("cron"), now: () => momentOf(new Date()) });
    this.#mules = new Mules({ resources, report, instruction: () => this.#instruction });
  }

  /** What the stats show of the daemons; undefined: there are none. */
  get daemons(): readonly StatsDaemon[] | undefined {
    return this.#daemons.stats;
  }

  /** What the stats show of the crons; undefined: there are none. */
  get crons(): readonly StatsCron[] | undefined {
    return this.#crons.stats;
  }

  /** Makes everything as the configuration says; daemons that stay as they were keep running. */
  configure(instruction: RunConfig): void {
    this.#instruction = instruction;
    const { daemons, smartDaemons, crons } = instruction.config;
    this.#daemons.configure([...daemons, ...smartDaemons]);
    this.#mules.configure();
    this.#crons.configure(crons);
  }

  /** Takes note of what happened to the workers. */
  observe(before: MasterState, state: MasterState): void {
    if (state.phase === "stopping" || state.phase === "killing") this.#crons.close();
    if (before.workers === state.workers || !hasServingHooks(this.#instruction.config)) return;
    for (const lifecycleEvent of milestones(before, state)) {
      for (const phase of phasesOf(lifecycleEvent)) this.#run(phase, lifecycleEvent);
    }
  }

  /** Takes what a worker sends to a mule. */
  muleMessage(text: string, mule: number): void {
    this.#mules.post(text, mule);
  }

  /**
   * Ends everything that does not outlive the master: mules first, because they may need the daemons.
   * The workers are gone by then.
   */
  async stop(): Promise<void> {
    const { muleReloadMercyMs, reloadMercyMs } = this.#instruction.config;
    this.#crons.close();
    await this.#mules.stop(this.#brutal ? 0 : muleReloadMercyMs);
    const mercyMs = this.#brutal ? 0 : reloadMercyMs;
    await Promise.all([this.#daemons.stop(mercyMs), this.#crons.stop(mercyMs)]);
  }

  /** Makes a stop one without mercy. */
  kill(): void {
    this.#brutal = true;
    this.#mules.kill();
    this.#daemons.kill();
    this.#crons.kill();
  }

  /** One after the other, in the order of what happened. */
  #run(phase: HookPhase, lifecycleEvent: LifecycleEvent): void {
    const { config } = this.#instruction;
    const worker = lifecycleEvent.type === "ready" ? null : lifecycleEvent;
    const hooks = this.#hooks.then(() => runLateHooks(config, phase, worker));
    // One that cannot be run does not keep the next from running.
    this.#hooks = hooks.catch(() => {});
    guarded("run hooks", () => hooks);
  }
}

function phasesOf(lifecycleEvent: LifecycleEvent): HookPhase[] {
  if (lifecycleEvent.type === "started") return ["post-fork"];
  if (lifecycleEvent.type === "ready") return ["post-app"];
  const { slot, first } = lifecycleEvent;
  const phases: HookPhase[] = ["accepting"];
  if (slot === 1) phases.push("accepting1");
  if (first) phases.push("accepting-once");
  if (first && slot === 1) phases.push("accepting1-once");
  return phases;
}
