/**
 * The types between those who give commands and the dispatcher that carries them out.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { Command, CommandName, CommandRequest } from "../../control/commands.ts";
import type { WallStatus } from "../../control/status.ts";
import type { MasterEvent } from "../../core/event.ts";
import type { MasterState } from "../../core/state.ts";
import type { Verdict } from "../../core/verdict.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Resources } from "../resources.ts";

/** What the operators of a master have to do with. */
export interface OperatorsSetup {
  readonly resources: Resources;
  readonly report: (masterEvent: MasterEvent) => void;
  /** The state as it is now. */
  readonly state: () => MasterState;
  /** Absolute paths of the INI files it was read from. */
  readonly configuration: readonly string[];
  /** The configuration in use. */
  readonly config: () => Config;
  /** What the kernel refuses workers beside their permissions. */
  readonly walls: () => readonly WallStatus[];
  /** The stats as they are when they have been asked for. */
  readonly stats: () => Promise<Stats>;
  /** Asks `cheaper` for more workers or fewer; null: their number does not follow the load. */
  readonly nudge: (by: number, why: string) => number | null;
  /** Why the workers cannot all go until the next connection comes; null: they can. */
  readonly whyNotCheap: () => string | null;
}

/** What came of giving an order. */
export interface CommandReply {
  /** In words, for who gave it. */
  readonly text: string;
  /** The generation that is respawned now. */
  readonly generation: number;
  /** For who waits: what comes of it; always settled, at the latest by the end of the master. */
  readonly verdict: Promise<Verdict> | null;
}

/** Something to show: as text for people, as value for machines. */
export interface CommandOutput {
  readonly text: string;
  readonly value: unknown;
}

/** Carries commands out. */
export interface Dispatcher {
  /** A command of a signal or a letter, without argument: problems go to the log. */
  command(name: CommandName, why: string): void;
  /**
   * Carries a command out, and gives its verdict if `wait` asks for it.
   *
   * @throws {Error} If the command is refused; the message is for the operator.
   */
  take(command: Command, order: Omit<CommandRequest, "ticket">, wait?: boolean): CommandReply;
}
