/**
 * Runs in the master. The worker processes by number: starts them, speaks to them, reports what they
 * do, and keeps their rows of the scoreboard.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import { usesMetrics } from "../../config/options/metrics.ts";
import type { WallStatus } from "../../control/status.ts";
import type { Effect, MasterEvent } from "../../core/event.ts";
import {
  type MasterState,
  servingWorker,
  type Slot,
  type Worker as CoreWorker,
} from "../../core/state.ts";
import { heartbeatMs, samplingNeeds } from "../../core/policies/limit_settings.ts";
import {
  type MasterMessage,
  PROTOCOL_VERSION,
  type WorkerMessage,
} from "../../protocol/message.ts";
import { loadJsonParser, PlainJsonError } from "../deno_project/json_file.ts";
import type { Caller } from "../sockets/control_server.ts";
import { factsPath, GenerationCommands } from "./generation_commands.ts";
import type { Confined } from "./landlock/confinement.ts";
import type { ProcessRowLease, ProcessRowPool } from "../scoreboard/process_row_pool.ts";
import type { CrashOutput } from "../logging/crash_output.ts";
import { logLine } from "../log.ts";
import { Records, recordsOf } from "../../log/records.ts";
import { logChildLine } from "../logging/child_output.ts";
import { COST_OF_OWN_SOCKETS } from "../sockets/reuseport_fallback.ts";
import { workerName } from "../process/process_names.ts";
import type { WorkerHealth } from "../limits/sampler.ts";
import { LazyConfinement, startWorker } from "./start_worker.ts";
import type { Resources } from "../resources.ts";
import { loadSandbox, SandboxMissing, type WorkerCommand } from "./worker_command.ts";
import { keepWorkingDirectory } from "../process/working_directory.ts";
import { WorkerRequests } from "./worker_control.ts";
import { type ChildHandle, WorkerProcess } from "./worker_process.ts";
import { guarded } from "../guarded.ts";
import { ReleaseGone } from "../process/generation_paths.ts";
import type { WorkerHandover } from "../handover.ts";
import type { RunConfig } from "../run_config.ts";

type Spawn = Extract<Effect, { readonly type: "spawn" }>;

/** A worker process, and how it is watched. */
interface ManagedWorker extends Pick<WorkerHealth, "heartbeatMs"> {
  readonly process: WorkerProcess;
  readonly lease: ProcessRowLease;
  readonly token: string;
  /** Where its last words are; null: they are in the log. */
  readonly words: CrashOutput | null;
}

/** A process that becomes a member. */
interface NewWorker extends Omit<ManagedWorker, "process" | "heartbeatMs"> {
  readonly worker: number;
  readonly slot: number;
  readonly generation: number;
  readonly child: ChildHandle;
  readonly instruction: RunConfig;
  /** For one that another program started. */
  readonly heartbeatMs?: number;
}

/** All worker processes of the instance. */
export class WorkerPool {
  readonly #resources: Resources;
  readonly #report: (report: MasterEvent) => void;
  readonly #muleMessage: (text: string, mule: number) => void;
  readonly #members = new Map<number, ManagedWorker>();
  /** Workers that are started in a moment, unless somebody tells them something: that they leave. */
  readonly #waiting = new Set<number>();
  readonly #commands: GenerationCommands;
  readonly #processRows: ProcessRowPool;
  readonly #onWatch: () => void;
  readonly #confinement: LazyConfinement;
  readonly #onReleaseGone: () => void;
  #toldCost = false;
  /** True once a worker was there that accepts on the master's sockets. */
  #adopts = false;

  /**
   * Nobody is started yet. `onWatch` is called when a worker wants its process row to be looked at,
   * `muleMessage` takes what workers send to a mule, or to any (0), and `onReleaseGone` is called when a
   * worker cannot start because what its generation runs was removed.
   */
  constructor(
    resources: Resources,
    report: (report: MasterEvent) => void,
    onWatch: () => void,
    muleMessage: (text: string, mule: number) => void,
    onReleaseGone: () => void = () => {},
  ) {
    this.#resources = resources;
    this.#commands = new GenerationCommands(resources);
    this.#confinement = new LazyConfinement(resources);
    this.#report = report;
    this.#processRows = resources.processRows;
    this.#onWatch = onWatch;
    this.#muleMessage = muleMessage;
    this.#onReleaseGone = onReleaseGone;
  }

  /**
   * Starts a worker, and reports whether that worked.
   *
   * @param confined How it is started. @default As was prepared for its generation
   */
  spawn(effect: Spawn, instruction: RunConfig, confined?: Confined): void {
    const { worker, slot, generation } = effect;
    const token = crypto.randomUUID();
    let lease: ProcessRowLease | null = null;
    let words: CrashOutput | null = null;
    try {
      keepWorkingDirectory();
      const command = this.#commands.of(generation, instruction);
      confined ??= this.#confinement.current(String(generation), command);
      if (confined === undefined) {
        throw new SandboxMissing("Cannot restrict workers yet: try again");
      }
      lease = this.#processRows.take(slot);
      words = command.ownLog ? this.#resources.log?.lastWords() ?? null : null;
      const own = { token, processRow: lease.number, words, spawner: confined.spawner };
      const child = this.#start(command, effect, own, instruction);
      words?.given();
      this.#take({ worker, slot, generation, token, lease, child, words, instruction });
      this.#report({ type: "spawned", worker, pid: child.pid });
    } catch (cause) {
      if (lease !== null) this.#processRows.release(lease);
      words?.close();
      if (cause instanceof PlainJsonError || cause instanceof SandboxMissing) {
        return void this.#spawnLater(effect, instruction);
      }
      const error = errorText(cause);
      this.#report({ type: "spawnFailed", worker, error });
      if (cause instanceof ReleaseGone) this.#onReleaseGone();
    }
  }

  /** The script's configuration has comments, or a sandbox: loads what it takes, and starts the worker. */
  async #spawnLater(effect: Spawn, instruction: RunConfig): Promise<void> {
    const { worker, generation } = effect;
    this.#waiting.add(worker);
    let confined: Confined;
    try {
      await Promise.all([loadJsonParser(), loadSandbox(instruction.config)]);
      const command = this.#commands.of(generation, instruction);
      confined = await this.#confinement.prepare(String(generation), command, instruction.config);
    } catch (cause) {
      this.#waiting.delete(worker);
      const error = errorText(cause);
      return this.#report({ type: "spawnFailed", worker, error });
    }
    if (this.#waiting.delete(worker)) return this.spawn(effect, instruction, confined);
    this.#report({ type: "exited", worker, how: "was not started any more", error: null });
  }

  /** What the kernel refuses the workers of a generation, beside their permissions. */
  walls(config: Config, generation: number): readonly WallStatus[] {
    return this.#confinement.walls(String(generation), config);
  }

  /** Ends what started restricted workers; all of them have ended. */
  close(): void {
    this.#confinement.close();
  }

  /** Goes on with a worker of the program that was here before. */
  adopt(
    { id: worker, slot, generation }: Pick<CoreWorker, "id" | "slot" | "generation">,
    child: ChildHandle,
    known: WorkerHandover,
    instruction: RunConfig,
  ): void {
    const { token, lane: processRow, heartbeatMs } = known;
    const lease = this.#processRows.keep(processRow, slot);
    const words = this.#resources.log?.lastWords(known.words ?? null) ?? null;
    this.#take({
      worker,
      slot,
      generation,
      token,
      lease,
      child,
      words,
      instruction,
      heartbeatMs,
    });
  }

  #take(taken: NewWorker): void {
    const { worker, slot, generation, token, lease, child, words, instruction } = taken;
    const fields = { worker: slot, pid: child.pid, generation };
    const wishes = new WorkerRequests(`worker ${slot}`, () => instruction.config, this.#report);
    let accepted = false;
    const records = (stream: "stdout" | "stderr") =>
      new Records((record) => logChildLine({ logger: "worker", fields }, stream, record));
    const printed = { stdout: records("stdout"), stderr: records("stderr") };
    const process = new WorkerProcess(child, {
      message: (message) => {
        accepted ||= message.type === "accepting";
        this.#onMessage(worker, message, wishes);
      },
      pipeBroken: (error) => this.#report({ type: "pipeBroken", worker, error }),
      printed: (stream, line) => printed[stream].line(line),
      exited: (how, error) => {
        guarded("read a worker's last words", () => {
          printed.stdout.end();
          printed.stderr.end();
          for (const record of recordsOf(words?.rest() ?? [])) {
            logChildLine({ logger: "worker", fields, level: "error" }, "output", record);
          }
        });
        words?.close();
        this.#members.delete(worker);
        this.#processRows.release(lease);
        this.#resources.control.forget(token);
        // What it could not read may have come after the rules were made.
        if (!accepted) this.#confinement.forget(String(generation));
        this.#report({ type: "exited", worker, how, error });
      },
    });
    const period = taken.heartbeatMs ?? heartbeatMs(instruction.config);
    this.#members.set(worker, { process, lease, token, words, heartbeatMs: period });
    this.#resources.control.expect(
      token,
      (caller) => this.#onCall(process, caller, instruction),
    );
  }

  /** What a new program of the master has to know of each worker, by worker number. */
  get credentials(): Readonly<Record<number, WorkerHandover>> {
    return Object.fromEntries(
      [...this.#members].map(([worker, { token, lease, heartbeatMs, words }]) =>
        [worker, {
          token,
          lane: lease.number,
          heartbeatMs,
          words: words?.read ?? null,
        }] as const
      ),
    );
  }

  /** What is to be seen of a worker; undefined: it is gone. */
  health(worker: number): WorkerHealth | undefined {
    const member = this.#members.get(worker);
    if (member === undefined) return undefined;
    const { process: { lastHeardAt, loopLagMs }, lease: { processRow, counters }, heartbeatMs } =
      member;
    return { processRow, requests: counters.requests, lastHeardAt, loopLagMs, heartbeatMs };
  }

  /** Nobody of an older generation will be started any more: what they were started with goes. */
  forgetBefore(generation: number): void {
    for (const old of this.#commands.forgetBefore(generation)) {
      this.#confinement.forget(String(old));
    }
  }

  /** Sends a message to a worker that may be gone already. */
  send(worker: number, message: MasterMessage): void {
    this.#waiting.delete(worker);
    this.#members.get(worker)?.process.send(message);
  }

  /** Sends a message to all workers, also to those that have not called yet. */
  tell(message: MasterMessage): void {
    for (const { process } of this.#members.values()) process.send(message);
  }

  /** Sends a signal to a worker that may be gone already. */
  signal(worker: number, signal: Deno.Signal): void {
    this.#waiting.delete(worker);
    this.#members.get(worker)?.process.signal(signal);
  }

  /** Shows on the scoreboard what has changed. */
  show(before: MasterState, state: MasterState): void {
    if (before.workers === state.workers) return;
    this.#resources.scoreboard.showSlots(state.slots.length);
    for (const slot of state.slots) this.#showSlot(slot, before, state);
  }

  #showSlot(slot: Slot, before: MasterState, state: MasterState): void {
    const { scoreboard } = this.#resources;
    const worker = servingWorker(state, slot.number);
    const row = slot.number;
    scoreboard.set(row, "pid", worker?.pid ?? 0);
    scoreboard.set(row, "accepting", worker?.state === "accepting" ? 1 : 0);
    scoreboard.set(row, "generation", worker?.generation ?? 0);
    const old = servingWorker(before, slot.number);
    if (worker === undefined || worker.acceptedAt === null) return;
    if (old?.id === worker.id && old.acceptedAt !== null) return;
    const ageMs = performance.now() - worker.spawnedAt;
    scoreboard.set(row, "lastSpawn", (Date.now() - ageMs) / 1000);
    scoreboard.set(row, "requestsAtSpawn", scoreboard.get(row, "requests"));
    if (wasOpen(before, slot.number)) scoreboard.increment(row, "respawns");
  }

  #start(
    command: WorkerCommand,
    { slot, generation }: Spawn,
    own: {
      readonly token: string;
      readonly processRow: number;
      readonly words: CrashOutput | null;
      readonly spawner: Confined["spawner"];
    },
    instruction: RunConfig,
  ): ChildHandle {
    const { listeners, control, scoreboardFd, stderrFd, certificates } = this.#resources;
    const { config } = instruction;
    return startWorker(this.#resources, command, {
      protocol: PROTOCOL_VERSION,
      facts: factsPath(control.directory, generation),
      control: control.path,
      token: own.token,
      slot,
      mule: 0,
      generation,
      masterPid: Deno.pid,
      sockets: listeners.sockets,
      listen: config.listen,
      certificates: certificates?.descriptor(generation) ?? null,
      scoreboard: scoreboardFd,
      processRow: own.processRow,
      namesRequests: samplingNeeds(config).names,
      heartbeatMs: heartbeatMs(config),
      stderr: command.ownLog ? stderrFd : null,
      words: own.words?.file ?? null,
      mercyMs: config.workerReloadMercyMs,
      processName: workerName(config, slot),
      sandbox: command.sandbox,
    }, own.spawner);
  }

  #onCall(process: WorkerProcess, caller: Caller, { config }: RunConfig): void {
    process.connect(caller);
    this.#adopts ||= caller.hello.adopts;
    if (caller.hello.adopts || this.#toldCost) return;
    this.#toldCost = true;
    if (!this.#adopts) this.#resources.listeners.giveWay();
    if (this.#resources.libc !== null) {
      logLine("warning", `Workers may not use foreign functions, so ${COST_OF_OWN_SOCKETS}`, {
        event: "ownSockets",
      });
    }
    if (usesMetrics(config)) this.#resources.metrics.tellCost();
    if (config.maxRequests === 0 && config.harakiriMs === 0) return;
    const text =
      "Without foreign functions nobody sees the requests of a worker: max-requests and " +
      "harakiri have no effect";
    logLine("warning", text, { event: "unseenRequests" });
  }

  #onMessage(worker: number, message: WorkerMessage, wishes: WorkerRequests): void {
    switch (message.type) {
      case "accepting":
        return this.#report({ ...message, worker });
      case "reload":
      case "stop":
        return wishes.ask(message.type);
      case "unserved":
        // A worker can name anything.
        if (!this.#resources.listeners.addresses.includes(message.address)) return;
        return this.#report({ type: "unserved", worker, address: message.address });
      case "draining":
        return this.#report({ type: "leaving", worker });
      case "waiting":
        return this.#report({ ...message, worker });
      case "watch":
        return this.#onWatch();
      case "mule-message":
        return this.#muleMessage(message.text, message.mule);
      case "mule-ask":
      case "hello":
      case "heartbeat":
        // WorkerProcess notes when it was last heard of.
        return;
    }
  }
}

function wasOpen(state: MasterState, slot: number): boolean {
  return state.slots[slot - 1]?.opened ?? false;
}
