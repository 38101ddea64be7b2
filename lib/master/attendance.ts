/**
 * Runs in the master. Lets those in who command it, and looks at the workers. Nobody does before these are
 * started, unless there is a FIFO or a control socket, so this is loaded while they start.
 *
 * @module
 */

import { LaneClock } from "../protocol/lane.ts";
import type { MasterSetup } from "./master_setup.ts";
import { Operators, type OperatorsSetup } from "./operators.ts";
import { Oversight, type OversightSetup } from "./oversight.ts";
import type { Surroundings } from "./surroundings.ts";

/** What operators have to do with, beside the surroundings. */
export interface Attended extends Omit<OperatorsSetup, "surroundings"> {
  /** Opens the log files again. */
  readonly reopenLogs: () => void;
  /** Renames the log files and opens new ones. */
  readonly rotateLogs: () => void;
}

/** Those who command this master; signals do from now on, the others when it is opened. */
export function operatorsOf({ surroundings, signals }: MasterSetup, attended: Attended): Operators {
  const { reopenLogs, rotateLogs, ...setup } = attended;
  const operators = new Operators({ surroundings, ...setup });
  signals.deliver((command, signal) => operators.command(command, signal));
  const { process, log } = surroundings;
  if (process !== null) operators.hooks.writePidfiles = () => process.rewritePidfiles();
  if (log?.hasFile) Object.assign(operators.hooks, { reopenLogs, rotateLogs });
  return operators;
}

/** What looks at the workers. */
export function oversightOf(
  { sharedMemory }: Surroundings,
  setup: Omit<OversightSetup, "clock">,
): Oversight {
  return new Oversight({ clock: new LaneClock(sharedMemory), ...setup });
}
