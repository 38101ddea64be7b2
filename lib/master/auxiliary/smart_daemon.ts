/**
 * Runs in the master. A daemon that lives on its own and outlives the master: found by its pidfile,
 * looked at once a second, started when it is not there.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { readRegularText } from "../../system/files/regular_file.ts";
import type { DaemonLine } from "../../config/values/daemon_line.ts";
import { nextDaemonAction, UNKNOWN } from "../../core/policies/daemon.ts";
import { LONGEST_PAUSE_MS } from "../../core/restart_policy.ts";
import { basename } from "../../paths.ts";
import { libc } from "../../system/libc.ts";
import { doubtIn, readPidfile } from "../../system/files/pidfile_claim.ts";
import { isAlive, startedAt } from "../../system/process/process_life.ts";
import { replaceText } from "../../system/files/trusted_file.ts";
import { logLine } from "../log.ts";
import { type ChildOptions, signalGroup, startIndependent } from "./child.ts";

/** How often a daemon is looked at (1 s), as in uWSGI. */
const LOOK_MS = 1_000;

/** A process that started later than this after the pidfile was written did not write it (2 s). */
const SLACK_MS = 2_000;

/** A daemon with a pidfile. */
export class SmartDaemon {
  readonly line: DaemonLine & { readonly pidfile: string };
  readonly #options: () => Omit<ChildOptions, "onLine">;
  #state = UNKNOWN;
  #starts = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The process that was told apart from strangers already. */
  #known: number | null = null;
  #stranger: number | null = null;

  /** Nothing is looked at yet. */
  constructor(
    line: DaemonLine & { readonly pidfile: string },
    options: () => Omit<ChildOptions, "onLine">,
  ) {
    this.line = line;
    this.#options = options;
  }

  /** Looks now, and once a second from then on. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  /** Stops looking; the daemon lives on. */
  stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    return Promise.resolve();
  }

  /** Its process id; null: it does not run. */
  get pid(): number | null {
    return this.#pid();
  }

  /** How often this master has started it. */
  get starts(): number {
    return this.#starts;
  }

  /** Asks the daemon to end; the next look finds it gone and starts it. */
  restart(): Promise<void> {
    this.signal(this.line.stopSignal);
    return Promise.resolve();
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    const pid = this.#pid();
    if (pid === null) return;
    // One that the master put into the background leads a group; another one may be alone in its.
    if (this.line.daemonize) return signalGroup(pid, signal);
    try {
      Deno.kill(pid, signal);
    } catch (error) {
      const text = `Cannot send ${signal} to daemon "${this.line.command}" (pid ${pid}): ${error}`;
      logLine("warning", text, { event: "companionSignal", pid });
    }
  }

  /** It outlives the master in any case. */
  kill(): void {}

  #look(): void {
    const pid = this.#pid();
    const { freq, maxThrottleMs, command, pidfile } = this.line;
    const longest = maxThrottleMs ?? LONGEST_PAUSE_MS;
    const { state, action } = nextDaemonAction(
      this.#state,
      pid !== null,
      performance.now(),
      freq * 1000,
      longest,
    );
    this.#state = state;
    const say = (level: "info" | "warning", text: string, event: string) =>
      logLine(level, `Daemon "${command}" ${text}`, { event, pid: pid ?? 0, command });
    switch (action) {
      case "start":
        return this.#begin();
      case "appeared":
        return say("info", `runs with pid ${pid}, as ${pidfile} says`, "companionStarted");
      case "gone":
        return say("warning", `is gone: ${pidfile} names no live process`, "companionGone");
      case "late":
        return say(
          "warning",
          `did not put itself into the background: ${pidfile} names no live process after ${freq} s`,
          "companionLate",
        );
      case "nothing":
        return;
    }
  }

  #begin(): void {
    const { command, daemonize, pidfile } = this.line;
    try {
      const child = startIndependent(this.#options());
      this.#starts++;
      if (!daemonize) return;
      writePid(pidfile, child.pid);
      this.#known = child.pid;
    } catch (error) {
      const reason = errorText(error);
      logLine("error", `Daemon "${command}" could not be started: ${reason}`, {
        event: "companionFailed",
        command,
        reason,
      });
    }
  }

  /** The live process that the pidfile names; null: none. */
  #pid(): number | null {
    const { pidfile } = this.line;
    const claim = readClaim(pidfile);
    if (claim === null || !isAlive(claim.pid)) return null;
    const { pid, doubt } = claim;
    if (doubt === null && (pid === this.#known || wroteLater(claim))) {
      this.#known = pid;
      return pid;
    }
    if (pid !== this.#stranger) {
      this.#stranger = pid;
      const why = doubt === null ? `pid ${pid} was started after it was written` : doubt;
      const text = `${pidfile} is left over: ${why}, and pid ${pid} is not the daemon ` +
        `"${this.line.command}"`;
      logLine("warning", text, { event: "companionStranger", pid });
    }
    return null;
  }
}

/** What a pidfile says. */
interface Claim {
  readonly pid: number;
  /** When it was written, ms since the epoch; null: it is not known. */
  readonly writtenMs: number | null;
  /** Why it cannot be believed; null: it can. */
  readonly doubt: string | null;
}

function readClaim(path: string): Claim | null {
  try {
    const c = libc();
    const file = c === null ? null : readPidfile(c, path);
    const pid = Number((c === null ? readRegularText(path) : file?.text ?? "").trim());
    if (!Number.isInteger(pid) || pid <= 1) return null;
    const writtenMs = file?.status.modifiedMs ?? Deno.statSync(path).mtime?.getTime() ?? null;
    return { pid, writtenMs, doubt: c === null || file === null ? null : doubtIn(c, file, pid) };
  } catch {
    // Not there yet, or not any more, or nothing that could be read.
    return null;
  }
}

/** Whether the file is younger than the process. Where neither is visible, the file is believed. */
function wroteLater({ pid, writtenMs }: Claim): boolean {
  const started = startedAt(pid);
  return started === null || writtenMs === null || started <= writtenMs + SLACK_MS;
}

function writePid(path: string, pid: number): void {
  const c = libc();
  if (c !== null) return replaceText(c, path, `${pid}\n`, `${basename(path)}.new`);
  Deno.writeTextFileSync(`${path}.new`, `${pid}\n`);
  Deno.renameSync(`${path}.new`, path);
}
