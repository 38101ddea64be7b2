/**
 * Runs in the master. Stands for what is beside the workers, and loads it when a configuration has some
 * of it: other masters have no use for its modules.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { hasServingHooks } from "../../config/options/hooks.ts";
import type { MasterEvent } from "../../core/event.ts";
import type { MasterState } from "../../core/state.ts";
import { lazyImport } from "../../lazy_import.ts";
import { loadJsonParser } from "../deno_project/json_file.ts";
import { canCompose, loadSandbox } from "../workers/worker_command.ts";
import type { Resources } from "../resources.ts";
import type { Companions } from "./companions.ts";
import { guarded } from "../guarded.ts";
import type { RunConfig } from "../run_config.ts";

/** What is beside the workers, if anything is. */
export class LazyCompanions {
  readonly #resources: Resources;
  readonly #report: (masterEvent: MasterEvent) => void;
  #companions: Companions | null = null;
  #stopped = false;

  /** Nothing is loaded yet. */
  constructor(resources: Resources, report: (masterEvent: MasterEvent) => void) {
    this.#resources = resources;
    this.#report = report;
  }

  /** What is there now; null: nothing was ever configured. */
  get loaded(): Companions | null {
    return this.#companions;
  }

  /** Loads what this configuration needs; nothing is started. */
  async load(instruction: RunConfig): Promise<void> {
    if (this.#companions !== null || !needsCompanions(instruction.config)) return;
    const { Companions } = await lazyImport<typeof import("./companions.ts")>(
      import.meta.resolve("./companions.ts"),
    );
    // Mules may belong to a deno.json with comments.
    await Promise.all([loadJsonParser(), loadSandbox(instruction.config)]);
    this.#companions ??= new Companions(instruction, this.#resources, this.#report);
  }

  /** Makes everything as the configuration says. */
  configure(instruction: RunConfig): void {
    if (this.#companions !== null && canCompose(instruction.config)) {
      return this.#companions.configure(instruction);
    }
    if (!needsCompanions(instruction.config)) return;
    guarded("start companions", async () => {
      await Promise.all([this.load(instruction), loadSandbox(instruction.config)]);
      if (!this.#stopped) this.#companions?.configure(instruction);
    });
  }

  /** Takes note of what happened to the workers. */
  observe(before: MasterState, state: MasterState): void {
    this.#companions?.observe(before, state);
  }

  /** Takes what a worker sends to a mule. */
  muleMessage(text: string, mule: number): void {
    this.#companions?.muleMessage(text, mule);
  }

  /** Ends everything that does not outlive the master. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#companions?.stop();
  }

  /** Begins anew after a {@linkcode stop} that was not the end of the master. */
  startAgain(instruction: RunConfig): void {
    this.#stopped = false;
    this.#companions = null;
    this.configure(instruction);
  }

  /** Makes a stop one without mercy. */
  kill(): void {
    this.#companions?.kill();
  }
}

function needsCompanions(config: Config): boolean {
  const { daemons, smartDaemons, crons, mules } = config;
  return [daemons, smartDaemons, crons, mules].some((list) => list.length > 0) ||
    hasServingHooks(config);
}
