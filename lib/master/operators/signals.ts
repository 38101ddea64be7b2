/**
 * Runs in the master. What each signal means; their listeners do nothing but pass the command on.
 *
 * @module
 */

import type { CommandName } from "../../control/commands.ts";
import type { Libc } from "../../system/libc.ts";
import { swallowSignal } from "../../system/process/swallow_signal.ts";
import { ControllingTerminal } from "../process/controlling_terminal.ts";

/** A signal of the master: its command, and what there is to say about it beside. */
export interface MasterSignal {
  readonly command: CommandName;
  readonly note: string;
}

const TERMINAL = "A terminal sends it, too:";

/** The signals of the master. */
export const MASTER_SIGNALS: Readonly<Partial<Record<Deno.Signal, MasterSignal>>> = {
  SIGHUP: {
    command: "reload",
    note:
      "When the terminal that the master was started from is closed, it stops instead, unless " +
      "SIGHUP was ignored at its start, as by `nohup`.",
  },
  SIGINT: {
    command: "stop",
    note: `${TERMINAL} Ctrl-C. Workers do not see that one. (uWSGI ignores a second one.)`,
  },
  SIGTERM: { command: "stop", note: "(In uWSGI it reloads unless `die-on-term` is set.)" },
  SIGQUIT: { command: "stop", note: "" },
  SIGUSR2: { command: "chain-reload", note: "(In uWSGI it kills the master.)" },
  SIGTSTP: {
    command: "toggle-pause",
    note: `${TERMINAL} Ctrl-Z; the master does not stop running, so no shell prompt comes.`,
  },
  SIGTTIN: { command: "more", note: "(In uWSGI it has no meaning.)" },
  SIGTTOU: {
    command: "fewer",
    note: `${TERMINAL} to a job in the background that writes to it after \`stty tostop\`. ` +
      "(In uWSGI it has no meaning.)",
  },
};

/** Signals without effect that somebody might expect one of, and why. */
export const SIGNALS_WITHOUT_COMMAND: Readonly<Record<string, string>> = {
  SIGUSR1:
    "Nothing, where foreign functions are allowed; the same in workers, mules and `top`. Deno would " +
    "start its debugger, through which every local user could run code as the process. (In uWSGI it writes statistics to the log; here `s` in " +
    "the FIFO does, and `ctl status` shows them.)",
  SIGWINCH: "Nothing: a terminal sends it whenever its window changes.",
};

/** A command that a signal stands for. */
type Pass = (command: CommandName, why: string) => void;

/** Where the commands of signals come from. */
export interface SignalSource {
  /** Whether the process takes signals for commands. */
  readonly obeyed: boolean;
  /** What the program that replaces this one has to know of them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Passes on what has come so far, and from now on what comes. */
  deliver(pass: Pass): void;
  /** From now on signals do what they do to any process. */
  close(): void;
}

/** The signals of a process that is not the instance's own: they are not for the instance. */
export const NO_SIGNALS: SignalSource = {
  obeyed: false,
  environment: {},
  deliver() {},
  close() {},
};

/**
 * Takes the master's signals from the moment it is made, and keeps them until somebody asks for them:
 * one that comes while the sockets are opened must neither be lost nor end the process.
 */
export class SignalInbox implements SignalSource {
  /** It does. */
  readonly obeyed = true;
  readonly #waiting: Parameters<Pass>[] = [];
  readonly #removers: (() => void)[];
  readonly #terminal: ControllingTerminal;
  #pass: Pass = (command, why) => this.#waiting.push([command, why]);

  /** Begins to listen. */
  constructor(c: Libc | null, terminal: ControllingTerminal = new ControllingTerminal()) {
    this.#terminal = terminal;
    const entries = Object.entries(MASTER_SIGNALS) as [Deno.Signal, MasterSignal][];
    this.#removers = entries.map(([signal, { command }]) => {
      const listener = signal === "SIGHUP"
        ? () => this.#onHangup()
        : () => this.#pass(command, signal);
      Deno.addSignalListener(signal, listener);
      return () => Deno.removeSignalListener(signal, listener);
    });
    if (c !== null) this.#removers.push(swallowSignal(c, "SIGUSR1"));
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#terminal.environment;
  }

  #onHangup(): void {
    const meaning = this.#terminal.hangup();
    if (meaning === "reload") this.#pass("reload", "SIGHUP");
    else if (meaning === "closed") this.#pass("stop", "SIGHUP, its terminal was closed");
  }

  deliver(pass: Pass): void {
    this.#pass = pass;
    for (const [command, why] of this.#waiting.splice(0)) pass(command, why);
  }

  close(): void {
    for (const remove of this.#removers) remove();
  }
}
