/**
 * Runs in the master. The commands of `cron` and `cron2`.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import type { CronLine } from "../../config/values/cron_line.ts";
import { isDue, type Moment } from "../../core/policies/cron_schedule.ts";
import type { StatsCron } from "../../stats/stats.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { logLine } from "../log.ts";
import { type ChildOptions, ShellCommand } from "./child.ts";
import { environmentOf } from "./daemons.ts";
import { guarded } from "../guarded.ts";

/** What commands need of the master. */
export interface CronContext {
  /** The configuration in use. */
  readonly config: () => Config;
  /** Writes a line that a command printed. */
  readonly onLine: ChildOptions["onLine"];
  /** The clock. */
  readonly now: () => Moment;
}

interface Entry {
  readonly line: CronLine;
  last: Moment;
  /** Seconds since the epoch; 0: never. */
  startedAt: number;
  readonly running: Set<ShellCommand>;
}

/** The commands of the configuration. */
export class Crons {
  readonly #resources: CronContext;
  /** Those that still run, of entries that are gone already, too. */
  readonly #running = new Set<ShellCommand>();
  #entries: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** Nothing is started yet. */
  constructor(resources: CronContext) {
    this.#resources = resources;
  }

  /** Takes these from now on. What was there before remembers when it was started. */
  configure(lines: readonly CronLine[]): void {
    const now = this.#resources.now();
    const before = [...this.#entries];
    this.#entries = lines.map((line) => {
      const same = (entry: Entry) =>
        entry.line.option === line.option && entry.line.text === line.text;
      const at = before.findIndex(same);
      const [known] = at < 0 ? [] : before.splice(at, 1);
      return known ?? { line, last: now, startedAt: 0, running: new Set() };
    });
    this.#wait();
  }

  /** What the stats show of them; undefined: there are none. */
  get stats(): readonly StatsCron[] | undefined {
    if (this.#entries.length === 0) return undefined;
    return this.#entries.map(({ line: { schedule, command, unique }, startedAt, running }) => ({
      ...schedule,
      command,
      unique: unique ? 1 : 0,
      legion: "",
      pid: [...running].at(-1)?.pid ?? -1,
      started_at: startedAt,
    }));
  }

  /** Starts what is due in this minute, once. */
  tick(): void {
    const now = this.#resources.now();
    for (const entry of this.#entries) {
      if (this.#stopped || !isDue(entry.line.schedule, now, entry.last)) continue;
      entry.last = now;
      this.#start(entry);
    }
  }

  /** Starts nothing any more. */
  close(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Ends the commands that still run; none takes longer than `mercyMs`. */
  async stop(mercyMs: number): Promise<void> {
    this.close();
    await Promise.all([...this.#running].map(async (child) => {
      child.ask("SIGTERM");
      if (await fulfilledWithin(child.exited, mercyMs)) return;
      child.kill();
      await child.exited;
    }));
  }

  /** Ends them at once. */
  kill(): void {
    for (const child of this.#running) child.kill();
  }

  /** Sleeps until the next minute. A clock that jumps meanwhile makes it late by less than a minute. */
  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#entries.length === 0) return;
    const untilNext = 60_000 - Date.now() % 60_000;
    this.#timer = setTimeout(() => {
      guarded("start crons", () => this.tick());
      this.#wait();
    }, untilNext);
  }

  #start(entry: Entry): void {
    const { command, unique, harakiriMs } = entry.line;
    if (unique && entry.running.size > 0) {
      const text = `Cron "${command}" still runs, and is not started again`;
      return logLine("warning", text, { event: "cronStillRuns", command });
    }
    try {
      const { config, onLine } = this.#resources;
      const child = new ShellCommand({ command, env: environmentOf(config()), onLine });
      logLine("info", `Cron "${command}" runs with pid ${child.pid}`, {
        event: "cronStarted",
        pid: child.pid,
        command,
      });
      guarded(`watch cron "${command}"`, () => this.#watch(entry, child, harakiriMs));
    } catch (error) {
      const reason = errorText(error);
      const text = `Cron "${command}" could not be started: ${reason}`;
      logLine("error", text, { event: "cronFailed", command, reason });
    }
  }

  async #watch(entry: Entry, child: ShellCommand, harakiriMs: number | null): Promise<void> {
    const { command } = entry.line;
    entry.running.add(child);
    entry.startedAt = Math.floor(Date.now() / 1000);
    this.#running.add(child);
    const timer = harakiriMs === null ? undefined : setTimeout(() => {
      const text = `Cron "${command}" (pid ${child.pid}) runs for ${
        harakiriMs / 1000
      } s: killing it`;
      logLine("warning", text, { event: "cronHarakiri", pid: child.pid, command });
      child.kill();
    }, harakiriMs);
    const { how, success } = await child.exited;
    clearTimeout(timer);
    entry.running.delete(child);
    this.#running.delete(child);
    logLine(success ? "info" : "warning", `Cron "${command}" (pid ${child.pid}) ${how}`, {
      event: "cronGone",
      pid: child.pid,
      command,
      how,
    });
  }
}

/** A time as the local clock shows it. */
export function momentOf(date: Date): Moment {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const [hour, minute] = [date.getHours(), date.getMinutes()];
  return {
    minute,
    hour,
    day,
    month: month + 1,
    week: date.getDay(),
    count: Math.floor(date.getTime() / 60_000),
    localCount: Math.floor(Date.UTC(year, month, day, hour, minute) / 60_000),
  };
}
