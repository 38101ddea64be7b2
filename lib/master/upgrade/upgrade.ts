/**
 * Runs in the master. Replaces the master's program for a reload that takes more than new workers:
 * first everything is tried that could fail, and only then is anything given up.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import { viewAddresses } from "../../config/options/exporting.ts";
import type { HandoverState } from "../../core/handover_state.ts";
import { lazyImport } from "../../lazy_import.ts";
import { SHARED_BYTES } from "../../shared_memory/process_row.ts";
import type { Libc } from "../../system/libc.ts";
import { ownArguments } from "../../system/process/own_command.ts";
import type { PassedSocket } from "../../system/sockets/passed_sockets.ts";
import { DENO, type Started } from "../../system/process/program.ts";
import { execWith } from "./exec_master.ts";
import { CHECK_ENVIRONMENT, HANDOVER_VERSION } from "./handover_environment.ts";
import { Listeners } from "../sockets/listeners.ts";
import type { Resources } from "../resources.ts";
import { existingDirectory } from "../process/working_directory.ts";
import type { WorkerHandover } from "../handover.ts";

/** A check that takes longer than this is given up (2 min). */
const CHECK_TIMEOUT_MS = 120_000;

/** How this program was started, as the next one has to be. */
export interface UpgradeBase {
  readonly started: Started;
  /** The text of standard input, if the configuration comes from there. */
  readonly stdin: () => string;
  readonly passedSockets: readonly PassedSocket[];
}

/** The way from this program to the next one. */
export class Upgrade {
  readonly #libc: Libc;
  readonly #started: Started;
  readonly #resources: Resources;
  readonly #stdin: () => string;
  readonly #passed: readonly PassedSocket[];
  readonly #role: Readonly<Record<string, string>>;
  #listeners: Listeners | null = null;
  #views: Listeners | null = null;

  /** `role`: variables that the next program gets, and other children do not. */
  constructor(
    c: Libc,
    { started, stdin, passedSockets }: UpgradeBase,
    resources: Resources,
    role: Readonly<Record<string, string>>,
  ) {
    this.#libc = c;
    this.#started = started;
    this.#resources = resources;
    this.#stdin = stdin;
    this.#passed = passedSockets;
    this.#role = role;
  }

  /**
   * Has the new program check the configuration and the script, and opens what sockets are new.
   *
   * @returns What is wrong, and then nothing has changed; null: nothing is.
   */
  async prepare(config: Config): Promise<string | null> {
    try {
      this.#dropListeners();
      const problem = await this.#check();
      if (problem !== null) return problem;
      const { listeners, views } = this.#resources;
      this.#listeners = await Listeners.open(
        this.#libc,
        config,
        listeners.records,
        this.#passed,
      );
      const { addresses } = this.#listeners;
      if (viewAddresses(config).length === 0 && views.records.length === 0) return null;
      const { openStatsListeners } = await lazyImport<
        typeof import("../sockets/stats_listeners.ts")
      >(
        import.meta.resolve("../sockets/stats_listeners.ts"),
      );
      this.#views = await openStatsListeners(this.#libc, config, views.records, addresses);
      return null;
    } catch (error) {
      this.#dropListeners();
      return errorText(error);
    }
  }

  /** Runs the new program, which does not return; else says why it could not. */
  run(inheritance: HandoverState, credentials: Readonly<Record<number, WorkerHandover>>): string {
    const { listeners: current, views, scoreboardFd, control, startedOn, metrics, pushed } = this
      .#resources;
    const { scoreboard, clock, workplaces } = this.#resources;
    const next = this.#listeners ?? current;
    const nextViews = this.#views ?? views;
    const known = new Set(current.records.map(({ worker }) => worker.fds[0]));
    const kept = new Set(next.records.map(({ worker }) => worker.fds[0]));
    try {
      return execWith(this.#libc, this.#started, {
        version: HANDOVER_VERSION,
        inheritance,
        credentials,
        listeners: next.records.map((one) =>
          known.has(one.worker.fds[0]) ? one : { ...one, fresh: true }
        ),
        outgoing: current.records.filter(({ worker }) => !kept.has(worker.fds[0])),
        // Whoever takes over closes what it has no use for.
        views: [...new Set([...nextViews.records, ...views.records])],
        scoreboardFd,
        sharedBytes: SHARED_BYTES,
        counts: scoreboard.record,
        ticks: clock.ticks,
        metrics: metrics.records,
        directory: control.ensureDirectory(),
        startedOn,
        workplaces: workplaces.record,
        pushed: Object.fromEntries(pushed),
      }, this.#role);
    } catch (error) {
      this.#dropListeners();
      const reason = errorText(error);
      return `Cannot replace the master's program: ${reason}`;
    }
  }

  #dropListeners(): void {
    this.#listeners?.closeAllBut(this.#resources.listeners);
    this.#listeners = null;
    this.#views?.closeAllBut(this.#resources.views);
    this.#views = null;
  }

  async #check(): Promise<string | null> {
    const args = ownArguments(this.#libc);
    const fromStdin = args.includes("-");
    const child = this.#spawnCheck([...args, "--check"], fromStdin);
    if (fromStdin) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(this.#stdin())).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { success, signal, stderr } = await child.output();
    if (success) return null;
    if (signal !== null) return `the new program's check was ended by ${signal}`;
    const lines = new TextDecoder().decode(stderr).split("\n");
    const told = lines.filter((line) => /^duwsgi: (?!warning:)/.test(line));
    const [first = "the new program says nothing"] = [
      ...told,
      ...lines.filter((line) => line !== ""),
    ];
    return first.replace(/^duwsgi: (error: )?/, "");
  }

  /** @throws {Error} If it cannot be started: its program is just being replaced, for example. */
  #spawnCheck(args: string[], fromStdin: boolean): Deno.ChildProcess {
    try {
      return new Deno.Command(DENO, {
        args,
        cwd: existingDirectory(this.#started.cwd),
        env: { ...CHECK_ENVIRONMENT, NO_COLOR: "1" },
        stdin: fromStdin ? "piped" : "null",
        stdout: "null",
        stderr: "piped",
        signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
      }).spawn();
    } catch (error) {
      const reason = errorText(error);
      throw new Error(`The new program cannot be started for its check: ${reason}`);
    }
  }
}
