/**
 * Runs in the master. The mules: workers without sockets, and the messages for them.
 *
 * @module
 */

import { isSandboxed } from "../../config/options/permissions.ts";
import type { MasterEvent } from "../../core/event.ts";
import { heartbeatMs } from "../../core/policies/limit_settings.ts";
import { type Delivery, LONGEST_QUEUE, MuleQueue } from "../../core/policies/mule_queue.ts";
import { PROTOCOL_VERSION, type WorkerMessage } from "../../protocol/message.ts";
import type { ProcessRowLease } from "../scoreboard/process_row_pool.ts";
import { logLine } from "../log.ts";
import { LazyConfinement, startWorker, writeFacts } from "../workers/start_worker.ts";
import { Records } from "../../log/records.ts";
import { logChildLine } from "../logging/child_output.ts";
import type { Resources } from "../resources.ts";
import { TouchFiles } from "../file_triggers/touch_files.ts";
import { type WorkerCommand, workerCommand } from "../workers/worker_command.ts";
import {
  type GenerationPaths,
  generationPathsNow,
  requireGenerationPaths,
} from "../process/generation_paths.ts";
import { Throttle } from "../throttle.ts";
import { WorkerRequests } from "../workers/worker_control.ts";
import { type ChildHandle, WorkerProcess } from "../workers/worker_process.ts";
import { type RunningProcess, Supervised } from "./supervised.ts";
import { guarded } from "../guarded.ts";
import type { RunConfig } from "../run_config.ts";

/** What mules need of the master. */
export interface MuleContext {
  readonly resources: Resources;
  readonly report: (masterEvent: MasterEvent) => void;
  /** The configuration in use. */
  readonly instruction: () => RunConfig;
}

/** There is at most one line about dropped messages in this time (10 s). */
const DROPPED_MS = 10_000;

/** The mules of the configuration. */
export class Mules {
  readonly #setup: MuleContext;
  readonly #mail = new MuleQueue(0);
  readonly #touchFiles: TouchFiles<null>;
  readonly #supervised: Supervised[] = [];
  readonly #processes = new Map<number, WorkerProcess>();
  readonly #leaving = new Set<Promise<void>>();
  readonly #confinement: LazyConfinement;
  #generation = 0;
  /** Where each of them runs, and what, until the next reload. */
  #places: readonly GenerationPaths[] = [];
  /** One line for many: whoever floods the mules must not flood the log. */
  readonly #dropped = new Throttle(
    DROPPED_MS,
    (messages) => this.#logDropped(messages, this.#whyDropped),
  );
  #whyDropped = "";

  /** Nothing is started yet. */
  constructor(setup: MuleContext) {
    this.#setup = setup;
    this.#confinement = new LazyConfinement(setup.resources);
    this.#touchFiles = new TouchFiles((_what, path) => {
      logLine("info", `Replacing the mules: ${path} was touched`, { event: "mulesReload" });
      this.#generation++;
      this.#replace(this.#supervised);
    });
  }

  /** Takes the configuration in use: starts new mules, replaces the others, ends those in excess. */
  configure(): void {
    const { mules, touchMulesReload, muleReloadMercyMs } = this.#setup.instruction().config;
    this.#generation++;
    this.#places = mules.map((script) => generationPathsNow({ script }));
    const before = this.#supervised.splice(mules.length);
    for (const gone of before) this.#track(gone.stop(muleReloadMercyMs));
    this.#replace(this.#supervised);
    const lost = this.#mail.resize(mules.length);
    if (lost > 0) this.#logDropped(lost, "there are no longer as many mules");
    while (this.#supervised.length < mules.length) {
      const mule = this.#create(this.#supervised.length + 1);
      this.#supervised.push(mule);
      mule.start();
    }
    this.#touchFiles.watch(touchMulesReload.map((path) => ({ path, what: null })));
  }

  /** A worker, or a mule, sends a text to a mule; 0: to the first one that waits. */
  post(text: string, mule: number): void {
    const posted = this.#mail.post(text, mule);
    if (posted === "full") {
      const whose = mule === 0 ? "the mules" : `mule ${mule}`;
      this.#drop(`${LONGEST_QUEUE} already wait for ${whose}`);
    } else if (posted === "nobody") {
      this.#drop(`there is no mule ${mule || 1}`);
    } else if (posted !== "kept") {
      this.#deliver(posted);
    }
  }

  /** Ends all mules; none takes longer than `mercyMs`. */
  async stop(mercyMs: number): Promise<void> {
    this.#touchFiles.close();
    await Promise.all([
      ...this.#supervised.map((mule) => mule.stop(mercyMs)),
      ...this.#leaving,
    ]);
    this.#confinement.close();
  }

  /** Ends them at once. */
  kill(): void {
    for (const mule of this.#supervised) mule.kill();
    for (const process of this.#processes.values()) process.signal("SIGKILL");
  }

  #replace(mules: readonly Supervised[]): void {
    const { muleReloadMercyMs } = this.#setup.instruction().config;
    for (const mule of mules) this.#track(mule.restart(muleReloadMercyMs));
  }

  #track(leaving: Promise<void>): void {
    this.#leaving.add(leaving);
    guarded("end a mule", () => leaving.finally(() => this.#leaving.delete(leaving)));
  }

  #deliver({ mule, text }: Delivery): void {
    this.#processes.get(mule)?.send({ type: "mule-message", text });
  }

  #drop(why: string): void {
    this.#whyDropped = why;
    this.#dropped.ask();
  }

  #logDropped(messages: number, why: string): void {
    const text = `Dropped ${messages} message${messages === 1 ? "" : "s"} for mules: ${why}`;
    logLine("warning", text, { event: "muleMessageDropped", messages });
  }

  #create(mule: number): Supervised {
    return new Supervised({
      name: `mule ${mule}`,
      fields: { mule },
      prepare: () => this.#prepare(mule),
      start: () => this.#launch(mule),
    });
  }

  /** Has Landlock's rules made for a mule, where that takes time. */
  #prepare(mule: number): Promise<unknown> | null {
    const { config } = this.#setup.instruction();
    if (!isSandboxed(config)) return null;
    const prepare = async () => {
      const command = this.#command(mule);
      if (this.#confinement.current(String(mule), command) !== undefined) return;
      await this.#confinement.prepare(String(mule), command, config);
    };
    return prepare();
  }

  /** What a mule is started with. */
  #command(mule: number): WorkerCommand {
    const { resources, instruction } = this.#setup;
    const { config } = instruction();
    const script = config.mules[mule - 1];
    const place = this.#places[mule - 1];
    if (script === undefined || place === undefined) {
      throw new RangeError(`There is no mule ${mule}`);
    }
    requireGenerationPaths(place, `mule ${mule}`);
    return workerCommand(
      { ...config, script, autoAccept: false },
      `mule_${mule}`,
      resources.control.ensureDirectory(),
      place,
    );
  }

  #launch(mule: number): RunningProcess {
    const { resources } = this.#setup;
    const { control } = resources;
    const token = crypto.randomUUID();
    const exited = Promise.withResolvers<string>();
    const lease = resources.processRows.take(0);
    const child = this.#spawn(mule, token, lease);
    let leaving = false;
    const { instruction, report } = this.#setup;
    const records = (stream: "stdout" | "stderr") =>
      new Records((record) => {
        const fields = { mule, pid: child.pid, generation: this.#generation };
        logChildLine({ logger: "mule", fields }, stream, record);
      });
    const printed = { stdout: records("stdout"), stderr: records("stderr") };
    const wishes = new WorkerRequests(`mule ${mule}`, () => instruction().config, report);
    const process = new WorkerProcess(child, {
      message: (message) => {
        // Whoever is about to leave takes on nothing more: it waits for the successor.
        if (!leaving || message.type !== "mule-ask") this.#onMessage(mule, message, wishes);
      },
      pipeBroken: (error) => {
        logLine("error", `mule ${mule}: ${error}`, { event: "pipeBroken", mule, pid: child.pid });
        process.signal("SIGKILL");
      },
      printed: (stream, line) => printed[stream].line(line),
      exited: (how, error) => {
        printed.stdout.end();
        printed.stderr.end();
        control.forget(token);
        resources.processRows.release(lease);
        // What it could not read may have come after the rules were made.
        if (!leaving) this.#confinement.forget(String(mule));
        this.#mail.forget(mule);
        this.#processes.delete(mule);
        exited.resolve(error === null ? how : `${how}: ${error}`);
      },
    });
    this.#processes.set(mule, process);
    let called = false;
    control.expect(token, (caller) => {
      called = true;
      process.connect(caller);
    });
    return {
      pid: child.pid,
      exited: exited.promise,
      ask: (reason) => {
        leaving = true;
        this.#mail.forget(mule);
        const mercyMs = this.#setup.instruction().config.muleReloadMercyMs;
        // One that has not called yet does not listen.
        if (called) process.send({ type: "retire", reason, mercyMs, closing: [] });
        else process.signal("SIGTERM");
      },
      kill: () => process.signal("SIGKILL"),
    };
  }

  /** A start that fails gives the process row back: it is tried again for as long as the instance lives. */
  #spawn(mule: number, token: string, lease: ProcessRowLease): ChildHandle {
    try {
      return this.#start(mule, token, lease.number);
    } catch (error) {
      this.#setup.resources.processRows.release(lease);
      throw error;
    }
  }

  #start(mule: number, token: string, processRow: number): ChildHandle {
    const { resources, instruction } = this.#setup;
    const { control, scoreboardFd, stderrFd } = resources;
    const { config } = instruction();
    // Its predecessor has read its own already: the names can be used again.
    const directory = control.ensureDirectory();
    const facts = `${directory}/facts_mule_${mule}.json`;
    writeFacts(instruction(), resources, facts);
    const command = this.#command(mule);
    const confined = this.#confinement.current(String(mule), command);
    if (confined === undefined) throw new Error("its restrictions have just become outdated");
    return startWorker(resources, command, {
      protocol: PROTOCOL_VERSION,
      facts,
      control: control.path,
      token,
      slot: 0,
      mule,
      generation: this.#generation,
      masterPid: Deno.pid,
      sockets: [],
      listen: config.listen,
      certificates: null,
      scoreboard: scoreboardFd,
      stderr: command.ownLog ? stderrFd : null,
      words: null,
      mercyMs: config.muleReloadMercyMs,
      processRow,
      namesRequests: false,
      heartbeatMs: heartbeatMs(config),
      processName: null,
      sandbox: command.sandbox,
    }, confined.spawner);
  }

  #onMessage(mule: number, message: WorkerMessage, wishes: WorkerRequests): void {
    switch (message.type) {
      case "mule-ask": {
        const delivery = this.#mail.ask(mule);
        return delivery === null ? undefined : this.#deliver(delivery);
      }
      case "mule-message":
        return this.post(message.text, message.mule);
      case "reload":
      case "stop":
        return wishes.ask(message.type);
      default:
        // A mule has no sockets: whether it accepts means nothing.
        return;
    }
  }
}
