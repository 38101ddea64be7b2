/**
 * Runs in the master. Lets those in who command it, and looks at the workers. Nobody does before these are
 * started, unless there is a FIFO or a control socket, so this is loaded while they start.
 *
 * @module
 */

import type { MasterSetup } from "./master_setup.ts";
import { CommandDispatcher } from "./operators/commands.ts";
import { WorkerMonitor } from "./limits/monitor.ts";
import type { Resources } from "./resources.ts";
import type { MonitorSetup } from "./limits/inspection.ts";
import type { OperatorsSetup } from "./operators/command_output.ts";

/** Those who command this master; signals do from now on, the others when it is opened. */
export function operatorsOf(
  { resources, signals, host, configuration }: MasterSetup,
  attended: Omit<OperatorsSetup, "resources" | "configuration">,
): CommandDispatcher {
  const operators = new CommandDispatcher({ resources, configuration, ...attended });
  host?.admit(operators, attended.stats);
  signals.deliver((command, why) => operators.command(command, why));
  const { process, log } = resources;
  if (process !== null) operators.hooks.writePidfiles = () => process.rewritePidfiles();
  if (log === null || !log.hasFile) return operators;
  operators.hooks.reopenLogs = () => log.rotation.reopen("an operator asked for it");
  operators.hooks.rotateLogs = () => {
    const problems = log.rotation.rotate("an operator asked for it");
    if (problems.length > 0) throw new Error(problems.join("; "));
  };
  return operators;
}

/** What looks at the workers. */
export function oversightOf(
  { clock }: Resources,
  setup: Omit<MonitorSetup, "clock">,
): WorkerMonitor {
  return new WorkerMonitor({ clock, ...setup });
}
