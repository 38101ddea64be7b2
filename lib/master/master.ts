/**
 * Runs in the master: takes what happens, asks `step` what it means, and does what it says. The only
 * place that waits.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Effect, MasterEvent, MasterOutcome, TimedEvent } from "../core/event.ts";
import { exportState } from "../core/handover_state.ts";
import { desiredSlots, isAnybodyStarting, type MasterState, nextDeadline } from "../core/state.ts";
import { step } from "../core/step.ts";
import { lazyImport, loadedOnce } from "../lazy_import.ts";
import { pause } from "../system/timing.ts";
import { LazyCompanions } from "./auxiliary/lazy_companions.ts";
import { WorkerPool } from "./workers/worker_pool.ts";
import { earlier, EventQueue } from "./event_queue.ts";
import { guarded } from "./guarded.ts";
import { logLine, setLogLevel } from "./log.ts";
import {
  coreSettings,
  hasControlEndpoint,
  type MasterSetup,
  type ReloadSupport,
  settleSockets,
  stateAtStart,
  tellReady,
  whyProgramStays,
} from "./master_setup.ts";
import { effectName, failure, orderOf } from "./effects.ts";
import type { CommandDispatcher } from "./operators/commands.ts";
import type { WorkerMonitor } from "./limits/monitor.ts";
import type { Upgrade } from "./upgrade/upgrade.ts";
import { whyFewerNeedRestart } from "./sockets/room.ts";
import { LazyScaler } from "./autoscaling/scaling.ts";
import { TouchFiles } from "./file_triggers/touch_files.ts";
import { type Touched, touchList } from "./file_triggers/touch_actions.ts";
import { StatsEndpoints } from "./stats/stats_endpoints.ts";
import { reloadIfNobodyServes } from "./process/generation_paths.ts";
import type { RunConfig } from "./run_config.ts";

/** A deadline that is noticed so late was missed by the master, not by a worker (2 s). */
const OVERSLEPT_MS = 2_000;

/** Runs an instance until it ends. */
export async function runMaster(setup: MasterSetup): Promise<MasterOutcome> {
  const { resources, serviceManager } = setup;
  const queue = new EventQueue<TimedEvent>();
  const report = (masterEvent: MasterEvent) => queue.put({ ...masterEvent, at: performance.now() });
  const companions = new LazyCompanions(resources, report);
  const pool = new WorkerPool(
    resources,
    report,
    () => master.oversight?.wake(),
    (text, mule) => companions.muleMessage(text, mule),
    () => reloadIfNobodyServes(master.state, report),
  );
  const touchFiles = new TouchFiles<Touched>((touched, path) => touched(`${path} was touched`));
  const scaling: LazyScaler = new LazyScaler({
    libc: resources.libc,
    sockets: resources.listeners,
    report,
    state: () => master.state,
  });
  const views = new StatsEndpoints({
    resources,
    state: () => master.state,
    config: () => master.config,
    health: (worker) => pool.health(worker),
    daemons: () => companions.loaded?.daemons,
    crons: () => companions.loaded?.crons,
  });
  const monitorSetup: MonitorSetup = { touchFiles, scaling, companions, views };
  const master: Master = new Master(setup, pool, monitorSetup, report);
  try {
    await scaling.use(setup.instruction.config);
    await resources.metrics.open(
      setup.instruction.config,
      async () => (await views.source()).read(),
      setup.inheritance !== null,
    );
    if (hasControlEndpoint(setup.instruction.config)) await master.admitOperators();
    await companions.load(setup.instruction);
    await master.begin();
    // What follows is loaded while the workers start.
    await master.attend();
    companions.configure(setup.instruction);
    void views.open();
    master.watch();
    while (master.outcome === null) {
      const deadline = earlier(nextDeadline(master.state), serviceManager?.deadline ?? null);
      const event = await queue.next(deadline);
      const at = performance.now();
      if (deadline !== null && at - deadline > OVERSLEPT_MS) {
        // The master was stopped, or the machine slept: what its workers said meanwhile comes first.
        master.take({ type: "overslept", ms: at - deadline + OVERSLEPT_MS, at });
      } else if (event === undefined) master.take({ type: "tick", at });
      if (event !== undefined) master.take(event);
    }
    const { endCompanions } = await lazyImport<typeof import("./auxiliary/end_companions.ts")>(
      import.meta.resolve("./auxiliary/end_companions.ts"),
    );
    return await endCompanions(companions, queue, master.outcome);
  } finally {
    touchFiles.close();
    master.oversight?.close();
    await views.close();
    await scaling.close();
    await master.operators?.close(master.outcome);
    await resources.metrics.close();
    pool.close();
  }
}

/** What the master keeps an eye on. */
interface MonitorSetup {
  readonly touchFiles: TouchFiles<Touched>;
  readonly scaling: LazyScaler;
  readonly companions: LazyCompanions;
  readonly views: StatsEndpoints;
}

const attendance = () =>
  lazyImport<typeof import("./after_start.ts")>(import.meta.resolve("./after_start.ts"));

/** The state and the hands that carry out what it asks for. */
class Master {
  state: MasterState;
  outcome: MasterOutcome | null = null;
  /** Null: not loaded yet. */
  operators: CommandDispatcher | null = null;
  /** Null: not loaded yet. */
  oversight: WorkerMonitor | null = null;
  readonly #reloading: () => Promise<ReloadSupport>;
  #replacement: Upgrade | null = null;
  readonly #setup: MasterSetup;
  readonly #pool: WorkerPool;
  readonly #monitorSetup: MonitorSetup;
  readonly #report: (masterEvent: MasterEvent) => void;
  #current: RunConfig;
  #next: RunConfig | null = null;

  constructor(
    setup: MasterSetup,
    pool: WorkerPool,
    monitorSetup: MonitorSetup,
    report: (masterEvent: MasterEvent) => void,
  ) {
    this.#setup = setup;
    this.#pool = pool;
    this.#monitorSetup = monitorSetup;
    this.#report = report;
    this.#current = setup.instruction;
    this.#reloading = loadedOnce(setup.reloading);
    this.state = stateAtStart(
      setup,
      monitorSetup.scaling.wantedAtStart(this.config, setup.inheritance?.inheritance.want),
    );
  }

  /** The configuration in use. */
  get config(): Config {
    return this.#current.config;
  }

  /** Starts the workers, or goes on with those of the program before and replaces them. */
  async begin(): Promise<void> {
    const { inheritance, resources: { libc, control } } = this.#setup;
    if (inheritance === null || libc === null) {
      return this.take({ type: "start", at: performance.now() });
    }
    const { takeOver } = await lazyImport<typeof import("./upgrade/resume_workers.ts")>(
      import.meta.resolve("./upgrade/resume_workers.ts"),
    );
    takeOver(libc, inheritance, this.#pool, this.#current);
    control.allExpected();
    this.#report({ type: "reload", kind: "workers", why: "the master's program was replaced" });
  }

  /** Loads what a master needs once its workers are started: for who commands it, and for limits. */
  async attend(): Promise<void> {
    if (this.operators === null) await this.admitOperators();
    const { oversightOf } = await attendance();
    this.oversight = oversightOf(this.#setup.resources, {
      workers: () => this.state.workers,
      health: (worker) => this.#pool.health(worker),
      report: this.#report,
      sampled: (samples) => this.#monitorSetup.scaling.take(samples),
    });
  }

  /**
   * From now on the master does what operators and signals say.
   *
   * @throws {UserError} If FIFO or socket cannot be opened.
   */
  async admitOperators(): Promise<void> {
    const { operatorsOf } = await attendance();
    const operators = this.operators = operatorsOf(this.#setup, {
      report: this.#report,
      state: () => this.state,
      config: () => this.config,
      walls: () => this.#pool.walls(this.config, this.state.generation),
      stats: async () => (await this.#monitorSetup.views.source()).read(),
      nudge: (by, why) => this.#monitorSetup.scaling.nudge(by, why),
      whyNotCheap: () => this.#monitorSetup.scaling.whyNotCheap(this.state),
    });
    await operators.open();
  }

  /** Takes what happened. Whatever goes wrong with it ends that action, and never the master. */
  take(event: TimedEvent): void {
    guarded(`do what follows from "${event.type}"`, () => this.#take(event), (text) => {
      const ticket = "ticket" in event ? event.ticket : undefined;
      if (ticket !== undefined) this.operators?.verdict([ticket], failure(this.state, text));
    });
  }

  #take(event: TimedEvent): void {
    // Workers inherit their sockets, so those are there before the slots are.
    const problem = event.type === "scale"
      ? this.#setup.resources.listeners.makeRoom(event.processes)
      : null;
    const { state, effects } = step(
      this.state,
      problem === null ? event : { ...event, type: "scaleFailed", problem } as TimedEvent,
    );
    const before = this.state;
    this.state = state;
    guarded("show how many workers there are", () => this.#monitorSetup.scaling.show(state));
    for (const effect of effects) this.#perform(effect);
    // A configuration that no worker has confirmed goes with its reload.
    if (this.state.reload === null) {
      this.#next = null;
      guarded("take back sockets", () => {
        if (settleSockets(this.#setup, before, this.state)) {
          this.#monitorSetup.scaling.socketsChanged();
        }
      });
    }
    guarded("show the workers", () => this.#pool.show(before, state));
    guarded("tell companions", () => this.#monitorSetup.companions.observe(before, state));
    guarded("tell systemd", () => this.#setup.serviceManager?.show(before, state));
  }

  /** Does it. If it cannot be done, whoever waits for it is told so. */
  #perform(effect: Effect): void {
    guarded(effectName(effect), () => this.#carryOut(effect), (error) => {
      if (effect.type === "spawn") {
        this.#report({ type: "spawnFailed", worker: effect.worker, error });
      } else if (effect.type === "readConfiguration") this.#refuse(error);
      else if (effect.type === "execMaster") this.#stay(error);
    });
  }

  #carryOut(effect: Effect): unknown {
    switch (effect.type) {
      case "spawn":
        return this.#pool.spawn(effect, this.#instructionFor(effect.generation));
      case "retire":
      case "standBy":
      case "recall":
      case "cover": {
        const { addresses } = this.#setup.resources.outgoing;
        return this.#pool.send(effect.worker, orderOf(effect, addresses));
      }
      case "signal":
        return this.#pool.signal(effect.worker, effect.signal);
      case "lookAtSockets":
        return this.#lookAtSockets();
      case "readConfiguration":
        return this.#readConfiguration(effect.program);
      case "execMaster":
        return this.#execMaster();
      case "closeSockets":
        return this.#setup.resources.listeners.close(this.#current.config.vacuum);
      case "confirm":
        return this.#confirm(effect.generation);
      case "ready":
        return this.#ready(effect.afterMs);
      case "verdict":
        return this.operators?.verdict(effect.tickets, effect.verdict);
      case "log":
        return logLine(effect.level, effect.text, effect.fields);
      case "exit":
        return this.outcome = effect.outcome;
    }
  }

  #instructionFor(generation: number): RunConfig {
    return generation > this.state.generation && this.#next !== null ? this.#next : this.#current;
  }

  /** `program`: the master's program is replaced in any case. */
  async #readConfiguration(program: boolean): Promise<void> {
    const reloading = await this.#reloading().catch((error: Error) => error);
    if (reloading instanceof Error) return this.#refuse(reloading.message);
    const reading = reloading.readAgain(this.#current.config);
    if (typeof reading === "string") return this.#refuse(reading);
    const { instruction, outdated, whole } = reading;
    const replacement = this.#replacement = reloading.replacement;
    if (program && replacement === null) return this.#refuse(whyProgramStays(this.#setup));
    if ((outdated || program) && replacement !== null) {
      return await this.#prepare(replacement, whole);
    }
    const { processes } = instruction.config;
    const { listeners } = this.#setup.resources;
    const problem = whyFewerNeedRestart(this.state, processes) ?? listeners.makeRoom(processes);
    if (problem !== null) return this.#refuse(problem);
    this.#setup.resources.metrics.prepare(instruction.config, (problem) => {
      if (problem !== null) return this.#refuse(problem);
      this.#next = instruction;
      this.#report({ type: "configured", settings: coreSettings(instruction.config) });
    });
  }

  /** Finds out whether a new program could go on, before anything is given up. */
  async #prepare(replacement: Upgrade, whole: RunConfig): Promise<void> {
    const problem = await replacement.prepare(whole.config);
    if (problem === null) this.#report({ type: "masterOutdated" });
    else this.#refuse(problem);
  }

  async #execMaster(): Promise<void> {
    const { companions, views } = this.#monitorSetup;
    // What runs beside the workers belongs to this program; the next one starts its own.
    await Promise.all([companions.stop(), views.close()]);
    // Who began to start meanwhile has yet to read what the next program clears away.
    while (isAnybodyStarting(this.state)) await pause(10);
    // A stop that came meanwhile is not for the next program to forget.
    if (this.state.reload?.exec !== "asked") return void views.open();
    const inheritance = exportState(this.state, performance.now());
    const problem = this.#replacement?.run(inheritance, this.#pool.credentials);
    this.#stay(problem ?? "The master's program cannot be replaced");
  }

  /** Goes on with this program, and with what was ended for another one. */
  #stay(why: string): void {
    const { companions, views } = this.#monitorSetup;
    guarded("start companions again", () => companions.startAgain(this.#current));
    void views.open();
    this.#refuse(why);
  }

  /** Whoever cleans up may have removed the files of sockets. */
  #lookAtSockets(): void {
    const { config } = this.#next ?? this.#current;
    const { scaling, views } = this.#monitorSetup;
    if (this.#setup.resources.listeners.bindLostAgain(config)) scaling.socketsChanged();
    void views.lookAtSockets(config);
    this.operators?.lookAtSockets();
  }

  readonly #refuse = (why: string): void => this.#report({ type: "notConfigured", why });

  #confirm(generation: number): void {
    const { listeners, log, metrics, outgoing, workplaces } = this.#setup.resources;
    guarded("forget older workers", () => this.#pool.forgetBefore(generation));
    guarded("close sockets that go", () => outgoing.close(true));
    guarded("keep new sockets", () => listeners.keepNew());
    const next = this.#next ?? this.#current;
    const { config } = next;
    if (config.logReopen) {
      guarded("reopen logs", () => log?.rotation.reopen("the workers were replaced"));
    }
    // What is beside the workers runs in their release as well.
    if (!workplaces.follow(generation) && next === this.#current) return;
    [this.#current, this.#next] = [next, null];
    guarded("use the metrics", () => metrics.use(config));
    guarded("start companions", () => this.#monitorSetup.companions.configure(next));
    guarded("follow the load", () => this.#monitorSetup.scaling.use(config));
    void this.#monitorSetup.views.push();
    this.watch();
  }

  /** Watches what the configuration in use says. */
  watch(): void {
    const { config } = this.#current;
    setLogLevel(config.logLevel);
    const { touchFiles, scaling } = this.#monitorSetup;
    this.oversight?.use(config, scaling.needs(config));
    const { log } = this.#setup.resources;
    const files = log?.hasFile ? log : null;
    files?.rotation.use(config, (message) => this.#pool.tell(message));
    touchFiles.watch(touchList(config, {
      reload: (kind, why) => this.#report({ type: "reload", kind, why }),
      reopenLog: files && ((why) => files.rotation.reopen(why)),
      rotateLog: files && ((why) => files.rotation.rotate(why)),
    }));
    this.operators?.watch();
  }

  #ready(afterMs: number): void {
    tellReady(this.#setup.resources, desiredSlots(this.state), afterMs);
    this.#setup.onReady();
    this.operators?.ready();
    // Not when it is needed: an upgrade of duwsgi's files may have come before. A failure is told then.
    this.#reloading().catch(() => {});
  }
}
