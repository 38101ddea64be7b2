/**
 * Runs in the master. A worker that was started by the program that ran in this process before: it is a
 * child of ours, and Deno does not know of it.
 *
 * @module
 */

import { exitStatus } from "../../system/process/exec.ts";
import type { Libc } from "../../system/libc.ts";
import { pause } from "../../system/timing.ts";
import type { ChildHandle } from "./worker_process.ts";

/** How often its end is looked for, as long as nothing points to it (1 s). */
const LOOK_MS = 1_000;
/** How often once its control pipe has ended. */
const CLOSE_LOOK_MS = 10;

/** The handle of such a worker. */
export class AdoptedProcess implements ChildHandle {
  readonly pid: number;
  /** What it printed while it started went to the program before. */
  readonly stderr: null = null;
  readonly stdout: null = null;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #libc: Libc;
  #wake: () => void = () => {};
  #close = false;

  /** Watches for the end of this child. */
  constructor(c: Libc, pid: number) {
    this.#libc = c;
    this.pid = pid;
    this.status = this.#watch();
  }

  kill(signal: Deno.Signal): void {
    Deno.kill(this.pid, signal);
  }

  pipeEnded(): void {
    this.#close = true;
    this.#wake();
  }

  async #watch(): Promise<Deno.CommandStatus> {
    while (true) {
      const status = exitStatus(this.#libc, this.pid);
      if (status !== null) {
        const { code, signal } = status;
        const name = signal === null ? null : nameOf(signal);
        return { success: code === 0, code: code ?? 128 + (signal ?? 0), signal: name };
      }
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      await Promise.race([woken, pause(this.#close ? CLOSE_LOOK_MS : LOOK_MS)]);
    }
  }
}

const NAMES: Readonly<Record<number, Deno.Signal>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
};

function nameOf(signal: number): Deno.Signal {
  return NAMES[signal] ?? "SIGKILL";
}
