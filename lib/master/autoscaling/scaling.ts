/**
 * Runs in the master. The way to the scaler, which is loaded when an option first asks for it, or when
 * somebody wants no worker at all.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { WorkerSample } from "../../core/policies/sample.ts";
import { scaleDownObstacle } from "../../core/worker_count.ts";
import { desiredSlots, EVERYBODY, type MasterState } from "../../core/state.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { Libc } from "../../system/libc.ts";
import { logLine } from "../log.ts";
import type { Scaler, ScalerConfig, ScalerSetup } from "./scaler.ts";
import { needsMemory, usesScaling, wantedAtStart } from "./scaling_settings.ts";

/** What scaling works with. */
export interface ScalingSetup extends Omit<ScalerSetup, "libc"> {
  /** Null: foreign functions are not available, and the number of workers is fixed. */
  readonly libc: Libc | null;
  /** The state as it is now. */
  readonly state: () => MasterState;
}

/** The number of workers, where it is to follow something. */
export class LazyScaler {
  readonly #setup: ScalingSetup;
  #config: ScalerConfig | null = null;
  #scaler: Scaler | null = null;
  #loading = false;
  #closed = false;

  /** Nothing is scaled before {@linkcode use}. */
  constructor(setup: ScalingSetup) {
    this.#setup = setup;
  }

  /** From now on, this is the configuration; fulfilled when what it needs is loaded. */
  async use(config: ScalerConfig): Promise<void> {
    this.#config = config;
    if (this.#scaler !== null) return this.#scaler.use(config);
    if (!usesScaling(config)) return;
    const { libc } = this.#setup;
    if (libc === null) {
      const text =
        "cheaper, cheap and idle need foreign functions (allow them with --allow-ffi): " +
        "all workers run";
      return logLine("warning", text, { event: "fixedNumber" });
    }
    await this.#load(libc, config);
  }

  async #load(libc: Libc, config: ScalerConfig): Promise<void> {
    const { Scaler } = await lazyImport<typeof import("./scaler.ts")>(
      import.meta.resolve("./scaler.ts"),
    );
    if (this.#closed || this.#scaler !== null) return;
    this.#scaler = new Scaler({ ...this.#setup, libc }, config);
    this.#scaler.show(this.#setup.state());
  }

  /**
   * How many slots are to have a worker at the start; null: all.
   *
   * @param before How many had one in the program before: so many stay, unless their number is fixed from
   * now on. None (`ctl cheap`) stays none.
   */
  wantedAtStart(
    config: ScalerConfig & { readonly processes: number },
    before?: number | null,
  ): number | null {
    if (this.#setup.libc === null) return null;
    const wanted = wantedAtStart(config, config.processes);
    return before === undefined || (wanted === null && before !== 0) ? wanted : before;
  }

  /** What samples have to be taken for it. */
  needs(config: ScalerConfig): { readonly samples: boolean; readonly memory: boolean } {
    const samples = this.#setup.libc !== null && usesScaling(config);
    return { samples, memory: samples && needsMemory(config) };
  }

  /** Takes the samples of this second. */
  take(samples: readonly WorkerSample[]): void {
    if (!this.#follows) return;
    this.#scaler?.take(samples, this.#setup.state());
  }

  /** There are other sockets now. */
  socketsChanged(): void {
    this.#scaler?.socketsChanged();
    this.#scaler?.show(this.#setup.state());
  }

  /** Sees every new state: where no worker is wanted, somebody has to wait for a connection. */
  show(state: MasterState): void {
    if (this.#scaler === null && desiredSlots(state) === 0) return this.#waitForConnections();
    this.#scaler?.show(state);
  }

  /** Why the instance cannot be left without workers (`ctl cheap`); null: it can. */
  whyNotCheap(state: MasterState): string | null {
    if (this.#setup.libc !== null) return scaleDownObstacle(state);
    return "it needs foreign functions to notice the next connection (allow them with --allow-ffi)";
  }

  /** True if options let the number of workers follow something. */
  get #follows(): boolean {
    return this.#config !== null && usesScaling(this.#config);
  }

  /** `ctl cheap` without an option that would have loaded the scaler. */
  #waitForConnections(): void {
    const { libc, report } = this.#setup;
    const config = this.#config;
    if (libc === null || config === null || this.#loading || this.#closed) return;
    this.#loading = true;
    this.#load(libc, config).catch((error) => {
      const why = errorText(error);
      report({ type: "want", workers: EVERYBODY, why });
    }).finally(() => this.#loading = false);
  }

  /**
   * Somebody wants more workers, or fewer (`by` below 0), within `cheaper` to `processes`.
   *
   * @returns How many are wanted now; null: their number is fixed.
   */
  nudge(by: number, why: string): number | null {
    if (!this.#follows) return null;
    return this.#scaler?.nudge(by, why, this.#setup.state()) ?? null;
  }

  /** Waits for nothing any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#scaler?.close();
  }
}
