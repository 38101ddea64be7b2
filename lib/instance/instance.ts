/**
 * From a good configuration to the end of the instance: hooks, sockets, the master, and cleaning up. The
 * program takes this road, and so does a program that has duwsgi as a library.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { whyTooFewDescriptors } from "../config/checks/descriptor_budget.ts";
import { isSandboxed } from "../config/options/permissions.ts";
import type { Loaded } from "../config/load.ts";
import { optionPlace } from "../config/option_place.ts";
import { type HookPhase, hooksOf } from "../config/options/hooks.ts";
import type { MasterOutcome } from "../core/event.ts";
import { lazyImport } from "../lazy_import.ts";
import { guardProgram } from "../master/guarded.ts";
import { resolve } from "../paths.ts";
import type { InProcessOperator } from "../master/operators/in_process.ts";
import { logLine } from "../master/log.ts";
import type { LogFiles } from "../master/logging/log_setup.ts";
import { runMaster } from "../master/master.ts";
import type { MasterSetup } from "../master/master_setup.ts";
import { COST_OF_OWN_SOCKETS } from "../master/sockets/reuseport_fallback.ts";
import type { ProcessSetup } from "../master/process/process_setup.ts";
import type { ServiceManager } from "../master/service_manager/service_manager.ts";
import type { SignalSource } from "../master/operators/signals.ts";
import { noteDirectories } from "../master/process/working_directory.ts";
import { closeResources, openResources, type Resources } from "../master/resources.ts";
import type { SourceBase } from "./config_source.ts";
import { descriptorLimit } from "../system/descriptor.ts";
import { libc } from "../system/libc.ts";
import { whyNotInBinary } from "../system/process/standalone.ts";
import { after } from "../system/timing.ts";
import { banner } from "./banner.ts";
import { UserError } from "../errors.ts";
import { missingScript } from "./missing_script.ts";
import { runConfigOf } from "./run_config_of.ts";
import type { Handover } from "../master/handover.ts";

/** The first log lines wait for the workers to accept, but not longer than this (200 ms). */
const LOG_DELAY_MS = 200;

/** What accompanies an instance from the first to the last. */
export interface InstanceContext {
  readonly base: SourceBase;
  readonly process: ProcessSetup | null;
  /** Log files, targets and encoders; null: nothing of that is configured. */
  readonly log: LogFiles | null;
  readonly handover: Handover | null;
  readonly signals: SignalSource;
  readonly serviceManager: ServiceManager | null;
  /** Whoever commands the instance from inside its process; null: nobody. */
  readonly host: InProcessOperator | null;
  readonly loadAgain: () => Loaded;
  /** Opens the log. */
  readonly openLog: (resources: Resources) => Promise<void>;
  /**
   * Variables that the master's next program gets beside those of the process; null: the process is
   * not the instance's own, so its program is not replaced.
   */
  readonly role: Readonly<Record<string, string>> | null;
}

/**
 * Runs an instance until it ends, and leaves nothing behind.
 *
 * @throws {UserError} If it cannot begin.
 */
export async function runInstance(
  loaded: Loaded,
  instanceContext: InstanceContext,
): Promise<MasterOutcome> {
  const { base, process, log, handover, signals, serviceManager, host, loadAgain } =
    instanceContext;
  const instruction = runConfigOf(loaded);
  if (instruction === null) throw new TypeError("There is no configuration to run");
  const { config } = instruction;
  const problem = whyNotInBinary(config.denoFlags, isSandboxed(config));
  if (problem !== null) throw new UserError("configuration", problem);
  await requireWalls(config);
  requireScript(config.script, "script", loaded);
  for (const mule of config.mules) requireScript(mule, "mules", loaded);
  const hooks = async (phases: readonly HookPhase[]) => {
    for (const phase of handover === null ? phases : []) await runHooksIfAny(config, phase);
  };
  if (handover === null) warnOfForeignCache();
  // The working directory of another program is not changed.
  if (instanceContext.role !== null) noteDirectories(Deno.cwd(), base.started.cwd);
  await hooks(PHASES_BEFORE_SOCKETS);
  requireDescriptors(config);
  const resources = await openResources(config, base.passedSockets, handover, process, log);
  try {
    await hooks(PHASES_BEFORE_WORKERS);
  } catch (error) {
    closeResources(resources, true);
    throw error;
  }
  process?.opened(resources.control.directory);
  for (const line of banner(config, resources, signals.obeyed)) {
    logLine("info", line, { event: "banner" });
  }
  if (resources.libc === null) {
    logLine("warning", OWN_SOCKETS, { event: "ownSockets" });
  }
  return await runIn(resources, instanceContext, {
    instruction,
    configuration: loaded.files.map((file) => resolve(base.cwd, file)),
    resources,
    inheritance: handover,
    signals,
    serviceManager,
    host,
    reloading: async () => {
      const { prepareReloading } = await lazyImport<typeof import("./reread_config.ts")>(
        import.meta.resolve("./reread_config.ts"),
      );
      const { role } = instanceContext;
      const c = role === null ? null : libc();
      return prepareReloading({ libc: c, base, resources, role: role ?? {}, loadAgain });
    },
  });
}

/** Runs the master, and closes its resources, whatever happens. */
async function runIn(
  resources: Resources,
  { host, openLog }: InstanceContext,
  setup: Omit<MasterSetup, "onReady">,
): Promise<MasterOutcome> {
  const { config } = setup.instruction;
  let outcome: MasterOutcome | null = null;
  const unguard = host === null ? guardProgram() : () => {};
  try {
    const ready = Promise.withResolvers<void>();
    const running = runMaster({
      ...setup,
      onReady: () => {
        resources.process?.ready();
        host?.ready(resources.listeners.sockets);
        ready.resolve();
      },
    });
    const patience = Promise.withResolvers<void>();
    const cancel = after(LOG_DELAY_MS, patience.resolve);
    // Loading the log's library takes many milliseconds, which the workers need to start.
    await Promise.race([ready.promise, running, patience.promise]);
    cancel();
    await openLog(resources);
    return outcome = await running;
  } finally {
    unguard();
    if (hooksOf(config, "as-user-atexit").length > 0) {
      const { runLateHooks } = await lazyImport<typeof import("../master/auxiliary/hooks.ts")>(
        import.meta.resolve("../master/auxiliary/hooks.ts"),
      );
      await runLateHooks(config, "as-user-atexit");
    }
    const unused = outcome === null || outcome === "noWorkerStarted";
    closeResources(resources, config.vacuum || unused);
  }
}

/** Whoever has too few open files would end in the middle of something. */
function requireDescriptors(config: Config): void {
  const c = libc();
  const problem = c === null ? null : whyTooFewDescriptors(config, descriptorLimit(c) ?? Infinity);
  if (problem !== null) throw new UserError("configuration", problem);
}

const PHASES_BEFORE_SOCKETS = ["pre-jail", "in-jail", "post-jail", "as-root"] as const;
const PHASES_BEFORE_WORKERS = ["as-user", "pre-app", "master-start"] as const;

const OWN_SOCKETS =
  `Foreign functions are refused (allow them with --allow-ffi), so ${COST_OF_OWN_SOCKETS}`;

/** Does what is to be done at a point; whoever has no hooks does not load what runs them. */
export async function runHooksIfAny(config: Config, phase: HookPhase): Promise<void> {
  if (hooksOf(config, phase).length === 0) return;
  const hooks = await lazyImport<typeof import("../master/auxiliary/hooks.ts")>(
    import.meta.resolve("../master/auxiliary/hooks.ts"),
  );
  await hooks.runHooks(config, phase);
}

/** Sandboxed workers may not start where the kernel cannot keep them in. */
async function requireWalls(config: Config): Promise<void> {
  const { walls, required } = config.sandboxWalls;
  if (!required || !isSandboxed(config) || !walls.includes("landlock")) return;
  const wall = await lazyImport<typeof import("../master/workers/landlock/confinement.ts")>(
    import.meta.resolve("../master/workers/landlock/confinement.ts"),
  );
  const why = wall.whyNoLandlock(libc());
  if (why !== "") throw new UserError("configuration", wall.wallIsMissing(why));
}

/**
 * Deno executes compiled code from its cache without comparing it with the source, so whoever may write
 * to the cache decides what root runs.
 */
function warnOfForeignCache(): void {
  try {
    if (Deno.uid() !== 0) return;
    const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? ""}/.cache`;
    const cache = Deno.env.get("DENO_DIR") ?? `${home}/deno`;
    const { uid, mode } = Deno.statSync(cache);
    const isShared = ((mode ?? 0) & OTHERS_WRITE) !== 0;
    if (uid === 0 && !isShared) return;
    const whose = isShared ? "may be written to by everybody" : `belongs to user ${uid}`;
    const text =
      `Deno's cache ${cache} ${whose}, who then decides what root executes: start as root ` +
      "with a DENO_DIR of root's only";
    logLine("warning", text, { event: "foreignCache", path: cache });
  } catch {
    // There is none yet, or it is out of reach.
  }
}

const OTHERS_WRITE = 0o002;

function requireScript(script: string, key: "script" | "mules", { entries, config }: Loaded): void {
  if (config === null) return;
  const problem = missingScript(script, optionPlace(entries, key), config);
  if (problem !== null) throw new UserError("configuration", problem);
}

/** What there is to say when no worker could start. */
export function noWorkerStarted(script: string): string {
  return `No worker of ${script} could start, so there is nothing to serve: see the errors above`;
}
