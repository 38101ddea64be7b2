/**
 * Runs in the master. A process that is kept running: started again when it ends, with growing pauses
 * if it keeps dying, until it is told to stop.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { deathsInARow, LONGEST_PAUSE_MS, pauseBeforeRespawn } from "../../core/restart_policy.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { logLine } from "../log.ts";
import { keepWorkingDirectory } from "../process/working_directory.ts";

/** A process that runs. */
export interface RunningProcess {
  readonly pid: number;
  /** Resolves with how it ended, in words. */
  readonly exited: Promise<string>;
  /** Asks it to end. */
  ask(why: "stop" | "reload"): void;
  /** Ends it. */
  kill(): void;
}

/** What is kept running. */
export interface SupervisedSpec {
  /** For the log: `daemon ./x`, `mule 1`. */
  readonly name: string;
  /** What machines read of it in the log. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Longest pause before it is started again, in milliseconds. @default LONGEST_PAUSE_MS */
  readonly longestPauseMs?: number;
  /** Makes ready what starting it takes; null: there is nothing to do. */
  readonly prepare?: () => Promise<unknown> | null;
  /**
   * Starts it.
   *
   * @throws {Error} If it cannot be started; it is tried again later.
   */
  readonly start: () => RunningProcess;
  /** Called when it ended by itself; true: it is not to be started again. */
  readonly onDeath?: (how: string) => boolean;
}

/** A process that is kept running. */
export class Supervised {
  readonly #subject: SupervisedSpec;
  #life: RunningProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #asked = false;
  #wanted = false;
  #deaths = 0;
  #starts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Nothing is started yet. */
  constructor(subject: SupervisedSpec) {
    this.#subject = subject;
  }

  /** Its process id; null while there is none. */
  get pid(): number | null {
    return this.#life?.pid ?? null;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Starts it, and again whenever it ends. */
  start(): void {
    this.#wanted = true;
    this.#spawn();
  }

  /** Ends it for good; resolves when it is gone, which takes no longer than `mercyMs`. */
  async stop(mercyMs: number): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    await this.#leave("stop", mercyMs);
  }

  /** Ends it, and starts it again when it is gone. */
  async restart(mercyMs: number): Promise<void> {
    await this.#leave("reload", mercyMs);
    this.#deaths = 0;
    clearTimeout(this.#timer);
    if (this.#wanted) this.#spawn();
  }

  /** Ends it for good, at once. */
  kill(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#life?.kill();
  }

  async #leave(why: "stop" | "reload", mercyMs: number): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#asked = true;
    life.ask(why);
    if (await fulfilledWithin(this.#ended, mercyMs)) return;
    const { name, fields } = this.#subject;
    const text = `${name} (pid ${life.pid}) did not end in time: killing it`;
    logLine("warning", text, { event: "companionKilled", pid: life.pid, ...fields });
    life.kill();
    await this.#ended;
  }

  #spawn(): void {
    const preparing = this.#life === null ? this.#subject.prepare?.() ?? null : null;
    if (preparing === null) return this.#start();
    preparing.then(
      () => this.#wanted ? this.#start() : undefined,
      (error) => this.#wanted ? this.#failed(error) : undefined,
    );
  }

  #start(): void {
    if (this.#life !== null) return;
    const { name, fields } = this.#subject;
    this.#asked = false;
    try {
      keepWorkingDirectory();
      const life = this.#subject.start();
      this.#life = life;
      this.#starts++;
      logLine("info", `${name} runs with pid ${life.pid}`, {
        event: "companionStarted",
        pid: life.pid,
        ...fields,
      });
      this.#ended = this.#watch(life, performance.now());
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { name, fields } = this.#subject;
    const reason = errorText(error);
    logLine("error", `${name} could not be started: ${reason}`, {
      event: "companionFailed",
      reason,
      ...fields,
    });
    this.#died(0, `could not be started: ${reason}`);
  }

  async #watch(life: RunningProcess, since: number): Promise<void> {
    const how = await life.exited;
    this.#life = null;
    const { name, fields } = this.#subject;
    const level = this.#asked ? "info" : "warning";
    logLine(level, `${name} (pid ${life.pid}) ${how}`, {
      event: "companionGone",
      pid: life.pid,
      how,
      asked: this.#asked,
      ...fields,
    });
    if (!this.#asked) this.#died(performance.now() - since, how);
  }

  #died(livedMs: number, how: string): void {
    if (this.#subject.onDeath?.(how) === true || !this.#wanted) return;
    const { name, fields, longestPauseMs = LONGEST_PAUSE_MS } = this.#subject;
    this.#deaths = deathsInARow(this.#deaths, livedMs);
    const pauseMs = Math.min(pauseBeforeRespawn(this.#deaths), longestPauseMs);
    if (pauseMs > 0) {
      const text = `${name} failed ${this.#deaths} times in a row: next start in ${pauseMs} ms`;
      logLine("warning", text, { event: "companionBackoff", pauseMs, ...fields });
    }
    this.#timer = setTimeout(() => this.#spawn(), pauseMs);
  }
}
