/**
 * Runs in the master. Everybody who gives it commands while it runs: signals, the FIFO, `ctl`. Takes
 * their orders, and gives each who waits for it the verdict. What only few instances need, and what no
 * start needs, is loaded in `control_endpoints.ts`.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import {
  type Command,
  type CommandName,
  commandNamed,
  type CommandRequest,
  type LocalAction,
  OPERATOR_SOCKET,
} from "../../control/commands.ts";
import type { MasterOutcome } from "../../core/event.ts";
import { countOf } from "../../core/worker_count.ts";
import type { RequestId, Verdict } from "../../core/verdict.ts";
import { lazyImport } from "../../lazy_import.ts";
import { CANNOT_ANSWER } from "../sockets/accept_all.ts";
import type { DirectorySocket } from "../sockets/directory_socket.ts";
import { logLine } from "../log.ts";
import type { ControlEndpoints } from "./control_endpoints.ts";
import type { CommandReply, OperatorsSetup } from "./command_output.ts";

/** The commands that `cheaper` answers where it decides. */
const NUDGES: Readonly<Partial<Record<CommandName, number>>> = { more: 1, fewer: -1 };

/** Somebody who waits for a verdict. */
interface Waiting {
  readonly command: Command;
  readonly resolve: (verdict: Verdict) => void;
}

/** Those who command a master. */
export class CommandDispatcher {
  /**
   * What commands ask of other parts of the master. Whoever has log files or pidfiles adds itself; a
   * hook's error is told to the operator.
   */
  readonly hooks: Partial<Record<LocalAction, () => void>> = {};
  readonly #setup: OperatorsSetup;
  readonly #waiting = new Map<RequestId, Waiting>();
  #nextTicket = 1;
  #endpoints: Promise<ControlEndpoints> | null = null;
  #ownSocket: DirectorySocket | null = null;

  /** Nothing is opened yet. */
  constructor(setup: OperatorsSetup) {
    this.#setup = setup;
  }

  /**
   * Opens what is configured; without that, only the socket that every master has.
   *
   * @throws {UserError} If FIFO or socket cannot be opened.
   */
  async open(): Promise<void> {
    const { control } = this.#setup.resources;
    control.ensureDirectory();
    const begin = (connection: Deno.UnixConn) => this.#begin(connection);
    this.#ownSocket = control.open(OPERATOR_SOCKET, CANNOT_ANSWER, begin);
    control.keepLooking();
    const { masterFifo, controlSocket } = this.#setup.config();
    if (masterFifo.length > 0 || controlSocket !== "") await this.#open();
  }

  /**
   * The workers accept, so there is time to load the rest. Not only when somebody calls: by then other
   * files may be there, of another version.
   */
  ready(): void {
    this.#withDoors(() => {});
  }

  /** Watches what the configuration in use says. */
  watch(): void {
    const { fsReload, fsBrutalReload, autoReload } = this.#setup.config();
    const wanted = fsReload.length > 0 || fsBrutalReload.length > 0 || autoReload;
    if (wanted || this.#endpoints !== null) this.#withDoors((endpoints) => endpoints.watch());
  }

  /** Makes ways in again that somebody has removed. */
  lookAtSockets(): void {
    if (this.#endpoints !== null) this.#withDoors((endpoints) => endpoints.lookAtSockets());
  }

  #begin(connection: Deno.UnixConn): void {
    this.#open().then((endpoints) => endpoints.begin(connection)).catch(() => connection.close());
  }

  #withDoors(act: (endpoints: ControlEndpoints) => void | Promise<void>): void {
    this.#open().then(act).catch((error) => {
      const reason = errorText(error);
      logLine("error", `Operators cannot be answered: ${reason}`, { event: "operatorRefused" });
    });
  }

  #open(): Promise<ControlEndpoints> {
    return this.#endpoints ??= lazyImport<typeof import("./control_endpoints.ts")>(
      import.meta.resolve("./control_endpoints.ts"),
    ).then(async ({ ControlEndpoints }) => {
      const endpoints = new ControlEndpoints(this, this.#setup);
      await endpoints.open();
      return endpoints;
    });
  }

  /** A command of a signal or a letter, without argument: what there is to say goes to the log. */
  command(name: CommandName, why: string): void {
    const command = commandNamed(name);
    if (command.action.kind === "show") {
      return this.#withDoors((endpoints) => endpoints.show(command));
    }
    try {
      this.take(command, { argument: null, why });
    } catch (error) {
      const reason = errorText(error);
      logLine("warning", `${why}: ${reason}`, { event: "commandRefused", command: name });
    }
  }

  /**
   * Takes an order. Its event is one event in the master's queue, like all others.
   *
   * @throws {Error} If it cannot be taken; the message is for the operator.
   */
  take(command: Command, order: Omit<CommandRequest, "ticket">, wait = false): CommandReply {
    const { action, name } = command;
    const { generation } = this.#setup.state();
    if (action.kind === "hook") {
      const hook = this.hooks[action.hook];
      if (hook === undefined) {
        throw new Error(`${name} has nothing to do here: see ${SEE[action.hook]}`);
      }
      hook();
      return { text: `${name} is done`, generation, verdict: null };
    }
    if (action.kind === "show") throw new TypeError(`${name} is no order`);
    const problem = name === "cheap" ? this.#setup.whyNotCheap() : null;
    if (problem !== null) throw new Error(`cheap is not possible: ${problem}`);
    const by = NUDGES[name];
    const wanted = by === undefined ? null : this.#setup.nudge(by, order.why);
    if (wanted !== null) {
      const are = wanted === 1 ? "is" : "are";
      return { text: `${countOf(wanted)} ${are} wanted now`, generation, verdict: null };
    }
    const ticket = wait ? this.#nextTicket++ : null;
    const masterEvent = action.masterEvent(
      ticket === null ? order : { ...order, ticket },
      this.#setup.state(),
    );
    const verdict = ticket === null ? null : this.#waitFor(ticket, command);
    this.#setup.report(masterEvent);
    return { text: `${name} was asked for`, generation, verdict };
  }

  #waitFor(ticket: RequestId, command: Command): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#waiting.set(ticket, { command, resolve });
    return promise;
  }

  /** Something came of what these asked for. */
  verdict(tickets: readonly RequestId[], verdict: Verdict): void {
    for (const ticket of tickets) {
      this.#waiting.get(ticket)?.resolve(verdict);
      this.#waiting.delete(ticket);
    }
  }

  /** The master ends: everybody who still waits is told so, and all endpoints are closed. */
  async close(outcome: MasterOutcome | null): Promise<void> {
    const { generation } = this.#setup.state();
    for (const [ticket, { command }] of [...this.#waiting]) {
      this.verdict([ticket], lastVerdict(command, outcome, generation));
    }
    this.#ownSocket?.close();
    this.#ownSocket = null;
    if (this.#endpoints === null) return;
    try {
      await (await this.#endpoints).close();
    } catch {
      // They could not be opened, which was told then.
    }
  }
}

/** Which options give a hook something to do. */
const SEE: Readonly<Record<LocalAction, string>> = {
  reopenLogs: "the options about log files",
  rotateLogs: "the options about log files",
  writePidfiles: "the option pidfile",
};

/** What the end of the master means to somebody who still waits. */
function lastVerdict(command: Command, outcome: MasterOutcome | null, generation: number): Verdict {
  const stop = command.name === "stop" || command.name === "kill";
  const done = stop && outcome !== null;
  return {
    outcome: done ? "done" : "cancelled",
    generation,
    tookMs: 0,
    slots: [],
    failures: [],
    text: done ? "The master has stopped" : `${command.name} was cancelled: the master ends`,
  };
}
