/**
 * What operators can ask of a running master: one table for `ctl`, the letters of the master FIFO, the
 * signals, the help and the documents.
 *
 * @module
 */

import type { MasterEvent } from "../core/event.ts";
import type { MasterState } from "../core/state.ts";
import type { RequestId } from "../core/verdict.ts";

/** Name of the socket in the master's own directory on which `ctl` calls. */
export const OPERATOR_SOCKET = "operator.sock";

/** Largest number of worker slots, as for the option `processes`. */
const MOST_WORKERS = 1024;

/** A command as somebody gave it. */
export interface CommandRequest {
  /** What followed the name; null: nothing. */
  readonly argument: string | null;
  /** Who gave it, for the log: `SIGHUP`, `"c" in the FIFO /run/app.fifo`. */
  readonly why: string;
  /** Whose verdict it is; absent: nobody waits for one. */
  readonly ticket?: RequestId;
}

/** What a command asks of other parts of the master, whether or not they are there. */
export type LocalAction = "reopenLogs" | "rotateLogs" | "writePidfiles";

/** What a command does: ask the core for something, show something, or call a hook. */
export type CommandAction =
  | {
    readonly kind: "ask";
    /** @throws {SyntaxError} If the argument is none. */
    readonly masterEvent: (order: CommandRequest, state: MasterState) => MasterEvent;
  }
  | { readonly kind: "show"; readonly what: "status" | "workers" | "stats" | "help" }
  | { readonly kind: "hook"; readonly hook: LocalAction };

/** One row of the table. */
export interface Command {
  /** Its name for `ctl`. */
  readonly name: CommandName;
  /** Its letter in the master FIFO, uWSGI's where uWSGI has it; empty: none. */
  readonly letter: string;
  /** What `ctl` calls its argument; empty: it takes none. */
  readonly argument: string;
  /** What it does, a sentence without period. */
  readonly help: string;
  /** The rest of the explanation, Markdown, possibly empty. */
  readonly details: string;
  readonly action: CommandAction;
}

/** The names of the commands. */
export type CommandName =
  | "reload"
  | "brutal-reload"
  | "workers-reload"
  | "brutal-workers-reload"
  | "chain-reload"
  | "exec"
  | "stop"
  | "kill"
  | "pause"
  | "resume"
  | "toggle-pause"
  | "scale"
  | "more"
  | "fewer"
  | "cheap"
  | "status"
  | "workers"
  | "stats"
  | "reopen-logs"
  | "rotate-logs"
  | "write-pidfiles"
  | "help";

/** The table, in the order of help and reference. */
export const COMMANDS: readonly Command[] = [
  {
    name: "reload",
    letter: "r",
    argument: "",
    help: "Read the configuration again and replace all workers at the same time",
    details: "Each old worker leaves only when its successor accepts.",
    action: reload({ kind: "all" }),
  },
  {
    name: "brutal-reload",
    letter: "R",
    argument: "",
    help: "The same, and kill the old workers as soon as their successors accept",
    details: "",
    action: reload({ kind: "all", brutal: true }),
  },
  {
    name: "workers-reload",
    letter: "w",
    argument: "",
    help: "Replace all workers at the same time, with the configuration as it is",
    details: "",
    action: reload({ kind: "workers" }),
  },
  {
    name: "brutal-workers-reload",
    letter: "W",
    argument: "",
    help: "The same, and kill the old workers as soon as their successors accept",
    details: "",
    action: reload({ kind: "workers", brutal: true }),
  },
  {
    name: "chain-reload",
    letter: "c",
    argument: "",
    help: "Replace the workers one after the other",
    details: "",
    action: reload({ kind: "chain" }),
  },
  {
    name: "exec",
    letter: "f",
    argument: "",
    help: "Replace the master's own program in place, and then all workers as `reload` does",
    details:
      "Process id, sockets and their queues stay. `reload` does the same by itself where a " +
      "changed option or a new Deno needs it. In uWSGI the letter forks a second master.",
    action: reload({ kind: "all", program: true }),
  },
  {
    name: "stop",
    letter: "q",
    argument: "",
    help: "Stop in order; a second stop kills the workers",
    details: "Who waits for it is answered when the workers are gone, just before the master ends.",
    action: stop({}),
  },
  {
    name: "kill",
    letter: "Q",
    argument: "",
    help: "Stop at once: the workers are killed with what they are doing",
    details: "",
    action: stop({ brutal: true }),
  },
  {
    name: "pause",
    letter: "",
    argument: "",
    help: "Stop accepting; connections wait in the queues",
    details: "",
    action: pause(() => true),
  },
  {
    name: "resume",
    letter: "",
    argument: "",
    help: "Accept again after a pause",
    details: "",
    action: pause(() => false),
  },
  {
    name: "toggle-pause",
    letter: "p",
    argument: "",
    help: "Pause, or resume when paused",
    details:
      "Scripts are better off with `pause` and `resume`, which mean the same the second time.",
    action: pause(({ paused }) => !paused),
  },
  {
    name: "scale",
    letter: "",
    argument: "N",
    help: "Run N workers, or that many more (+N) or fewer (-N)",
    details:
      "It holds until the configuration is read again. Who waits gets `done` when the workers of added " +
      "slots accept; when one of them fails, their number is the one before again.",
    action: scale(wantedWorkers),
  },
  {
    name: "more",
    letter: "+",
    argument: "",
    help: "One worker more",
    details: "",
    action: scale((_argument, current) => within(current + 1)),
  },
  {
    name: "fewer",
    letter: "-",
    argument: "",
    help: "One worker less, but at least one",
    details: "",
    action: scale((_argument, current) => within(current - 1)),
  },
  {
    name: "cheap",
    letter: "C",
    argument: "",
    help: "Let all workers go until the next connection comes",
    details:
      "uWSGI kills them; here they finish what they have. It needs no option, and foreign functions; " +
      "reloads do not end it. `status` says so as long as it lasts.",

    action: { kind: "ask", masterEvent: ({ why }) => ({ type: "want", workers: 0, why }) },
  },
  {
    name: "status",
    letter: "s",
    argument: "",
    help: "Show the instance and its workers",
    details: "As a letter it writes to the log what `ctl` prints.",
    action: { kind: "show", what: "status" },
  },
  {
    name: "workers",
    letter: "",
    argument: "",
    help: "Show the workers",
    details: "",
    action: { kind: "show", what: "workers" },
  },
  {
    name: "stats",
    letter: "",
    argument: "",
    help: "Show the instance and its workers; with --json, the document of the stats server",
    details: "It needs no stats server: `top` asks for it.",
    action: { kind: "show", what: "stats" },
  },
  {
    name: "reopen-logs",
    letter: "l",
    argument: "",
    help: "Open the log files anew, after something else has moved them",
    details: "",
    action: { kind: "hook", hook: "reopenLogs" },
  },
  {
    name: "rotate-logs",
    letter: "L",
    argument: "",
    help: "Move the log files aside and begin new ones",
    details: "",
    action: { kind: "hook", hook: "rotateLogs" },
  },
  {
    name: "write-pidfiles",
    letter: "P",
    argument: "",
    help: "Write the pidfiles again",
    details: "",
    action: { kind: "hook", hook: "writePidfiles" },
  },
  {
    name: "help",
    letter: "",
    argument: "",
    help: "List the commands",
    details: "",
    action: { kind: "show", what: "help" },
  },
];

/** Letters of uWSGI's FIFO that have no command here, and why; they are ignored like any other byte. */
export const LETTERS_WITHOUT_COMMAND: Readonly<Record<string, string>> = {
  S: "is about subscriptions, which duwsgi lacks.",
  B: "is about the Emperor, which duwsgi lacks.",
  E: "is about the Emperor, which duwsgi lacks.",
};

/** The command of this name, if there is one. */
export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/** The command of this name. */
export function commandNamed(name: CommandName): Command {
  const command = findCommand(name);
  if (command === undefined) throw new RangeError(`No command "${name}"`);
  return command;
}

/** The command of this letter, if it has one. */
export function commandOfLetter(letter: string): Command | undefined {
  return COMMANDS.find((command) => command.letter !== "" && command.letter === letter);
}

/** True if somebody can wait for what comes of it. */
export function hasVerdict(command: Command): boolean {
  return command.action.kind === "ask" && command.name !== "cheap";
}

/** The commands as `ctl help` lists them. */
export function commandList(): string {
  const names = COMMANDS.map(({ name, argument }) => `${name} ${argument}`.trim());
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return COMMANDS.map(({ help }, i) => `  ${(names[i] ?? "").padEnd(width)}${help}`).join("\n");
}

type ReloadWish = Pick<
  Extract<MasterEvent, { readonly type: "reload" }>,
  "kind" | "brutal" | "program"
>;

function reload(wish: ReloadWish): CommandAction {
  return {
    kind: "ask",
    masterEvent: (order) => ({ type: "reload", ...wish, ...orderedBy(order) }),
  };
}

function stop(wish: { readonly brutal?: boolean }): CommandAction {
  return { kind: "ask", masterEvent: (order) => ({ type: "stop", ...wish, ...orderedBy(order) }) };
}

function pause(on: (state: MasterState) => boolean): CommandAction {
  return {
    kind: "ask",
    masterEvent: (order, state) => ({ type: "pause", on: on(state), ...orderedBy(order) }),
  };
}

function scale(wanted: (argument: string | null, current: number) => number): CommandAction {
  return {
    kind: "ask",
    masterEvent: (order, { settings }) => ({
      type: "scale",
      processes: wanted(order.argument, settings.processes),
      ...orderedBy(order),
    }),
  };
}

function orderedBy(
  { why, ticket }: CommandRequest,
): { readonly why: string; readonly ticket?: RequestId } {
  return { why, ...ticket === undefined ? {} : { ticket } };
}

function wantedWorkers(argument: string | null, current: number): number {
  const [, sign = "", digits = ""] = /^([+-]?)(\d{1,4})$/.exec(argument ?? "") ?? [];
  const number = digits === "" ? NaN : Number(digits);
  const wanted = sign === "" ? number : current + (sign === "+" ? number : -number);
  if (wanted >= 1 && wanted <= MOST_WORKERS) return wanted;
  const expected = `a number of workers from 1 to ${MOST_WORKERS}, or +N or -N`;
  const given = argument === null ? "nothing" : `"${argument.slice(0, 80)}"`;
  const now = sign === "" ? "" : ` (there are ${current})`;
  throw new SyntaxError(`scale expects ${expected}, not ${given}${now}`);
}

function within(workers: number): number {
  return Math.min(MOST_WORKERS, Math.max(1, workers));
}
