/**
 * Runs in the master. One worker as the master sees it: its process, its control pipe, and what it
 * prints while it starts.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { ProtocolError } from "../../protocol/message.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { MasterMessage, WorkerMessage } from "../../protocol/message.ts";
import { descendantsOf } from "../../system/process/descendants.ts";
import type { KnownProcess } from "../../system/process/process_stat.ts";
import { fulfilledWithin, pause } from "../../system/timing.ts";
import type { Caller, WorkerChannel } from "../sockets/control_server.ts";
import { relayLines } from "../logging/line_relay.ts";
import { logLine } from "../log.ts";
import { MessageBudget } from "./message_budget.ts";
import { StartErrorFinder } from "./start_error.ts";

/** What a worker process reports. */
export interface WorkerReports {
  /** It said something. */
  message(message: WorkerMessage): void;
  /** Its control pipe is gone, or it spoke nonsense, and the process did not end. */
  pipeBroken(error: string): void;
  /** It ended: `how` in words, and the first line of its start-up error, if it printed one. */
  exited(how: string, error: string | null): void;
  /** A line it printed while it was starting; later it writes to the log itself. */
  printed(stream: "stdout" | "stderr", line: string): void;
}

/** After the end of its pipe, a worker has this long to end as well (1 s). */
const EXIT_AFTER_PIPE_MS = 1_000;
/** After a worker's end, what it printed has this long to arrive: its children may hold the pipe. */
const OUTPUT_AFTER_EXIT_MS = 500;

/** So many messages wait for a worker that has not called: nobody is told so much in that time. */
const MOST_UNSENT = 1_000;

/** A worker is not later than this (11 days), whatever it says. */
const MOST_LAG_MS = 1e9;

/** A child process, as far as a worker takes one: what Deno started, or what was taken over. */
export interface ChildHandle {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  /** What it prints while it starts; null: that goes elsewhere. */
  readonly stderr: ReadableStream<Uint8Array> | null;
  /** The same for standard output. */
  readonly stdout: ReadableStream<Uint8Array> | null;
  kill(signal: Deno.Signal): void;
  /** Its control pipe has ended: so will it, most likely. */
  pipeEnded?(): void;
}

/** A worker process. */
export class WorkerProcess {
  readonly #child: ChildHandle;
  readonly #reports: WorkerReports;
  readonly #exited: Promise<void>;
  readonly #startError = new StartErrorFinder();
  readonly #unsent: MasterMessage[] = [];
  #channel: WorkerChannel | null = null;
  #lastHeardAt: number | null = null;
  #loopLagMs: number | null = null;
  /** What was below it when it was killed by its master. */
  #descendants: readonly KnownProcess[] = [];

  /** Takes a process that was just started, with its stderr piped. */
  constructor(child: ChildHandle, reports: WorkerReports) {
    this.#child = child;
    this.#reports = reports;
    this.#exited = this.#watch();
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** When the worker last said something (monotonic ms): its event loop ran then. Null: never. */
  get lastHeardAt(): number | null {
    return this.#lastHeardAt;
  }

  /** How late the worker's last heartbeat left (ms); null: none came yet. */
  get loopLagMs(): number | null {
    return this.#loopLagMs;
  }

  /** The worker called: from now on both sides can speak. */
  connect(caller: Caller): void {
    this.#channel = caller.channel;
    for (const message of this.#unsent.splice(0)) caller.channel.send(message);
    void this.#listen(caller);
  }

  /** Sends a message, now or as soon as the worker has called. */
  send(message: MasterMessage): void {
    if (this.#channel !== null) return this.#channel.send(message);
    if (this.#unsent.length === MOST_UNSENT) return;
    this.#unsent.push(message);
    if (this.#unsent.length < MOST_UNSENT) return;
    this.#reports.pipeBroken(`${MOST_UNSENT} messages wait for its call, killing it`);
  }

  /** Sends a signal; nothing happens when the process has ended. */
  signal(signal: Deno.Signal): void {
    try {
      if (signal === "SIGKILL") this.#noteDescendants();
      this.#child.kill(signal);
    } catch (error) {
      // Ended, and not yet reported.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** The kernel's list of children is right only while it does not change: the worker is stopped for that. */
  #noteDescendants(): void {
    try {
      this.#child.kill("SIGSTOP");
      const known = descendantsOf(this.pid);
      if (known.length > 0) this.#descendants = known;
    } catch {
      // It is killed in any case.
    }
  }

  async #listen({ channel, messages }: Caller): Promise<void> {
    let error = "its control pipe ended, killing it";
    const budget = new MessageBudget(performance.now());
    try {
      for await (const message of messages) {
        const at = performance.now();
        this.#lastHeardAt = at;
        if (message.type === "heartbeat") {
          this.#loopLagMs = Math.min(Math.max(message.lagMs, 0), MOST_LAG_MS);
        }
        this.#reports.message(message);
        const waitMs = budget.take(message.type, at);
        if (waitMs > 0) await pause(waitMs);
      }
      if (channel.overflowed) error = "it does not read its control pipe, killing it";
    } catch (cause) {
      const reason = errorText(cause);
      const what = cause instanceof ProtocolError
        ? "it spoke nonsense on its control pipe"
        : "what it said could not be handled";
      error = `${what} (${reason}), killing it`;
    }
    channel.close();
    this.#child.pipeEnded?.();
    // Usually the process is ending as well, and its exit status says more than the end of the pipe.
    if (await fulfilledWithin(this.#exited, EXIT_AFTER_PIPE_MS)) return;
    this.#reports.pipeBroken(error);
  }

  async #watch(): Promise<void> {
    // Until the worker has the master's own stderr.
    const relays = [
      relayLines(this.#child.stderr, (line) => this.#line(line)),
      relayLines(this.#child.stdout, (line) => this.#reports.printed("stdout", line)),
    ];
    const status = await this.#child.status;
    // Who had to be killed could not end what it had started, and holds its output with it.
    if (status.signal !== null) await this.#endSession();
    await fulfilledWithin(Promise.all(relays.map(({ done }) => done)), OUTPUT_AFTER_EXIT_MS);
    for (const relay of relays) relay.cancel();
    this.#reports.exited(describeExit(status), this.#startError.error);
  }

  async #endSession(): Promise<void> {
    let killed: readonly number[];
    try {
      const { endSession } = await lazyImport<typeof import("../../system/process/session.ts")>(
        import.meta.resolve("../../system/process/session.ts"),
      );
      killed = await endSession(this.pid, this.#descendants);
    } catch (error) {
      const reason = errorText(error);
      const text = `What process ${this.pid} had started may live on: ${reason}`;
      return logLine("warning", text, { event: "descendantsLeft", pid: this.pid });
    }
    if (killed.length === 0) return;
    const text = `Killed what process ${this.pid} had started: pids ${killed.join(", ")}`;
    logLine("warning", text, { event: "descendantsKilled", pid: this.pid, pids: killed });
  }

  #line(line: string): void {
    this.#startError.line(line);
    this.#reports.printed("stderr", line);
  }
}

/** How a process ended, for the log. */
export function describeExit(status: Deno.CommandStatus): string {
  if (status.signal !== null) return `was killed by ${status.signal}`;
  return `exited with code ${status.code}`;
}
