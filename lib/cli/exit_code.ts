/**
 * The program's exit codes and what a service manager should make of each.
 *
 * @module
 */

/** A way for the program to end. */
export interface ExitKind {
  /** The exit code. */
  readonly code: number;
  /** What it means, for people and for service managers. */
  readonly meaning: string;
}

/** Names of the ways to end. */
export type ExitName =
  | "ok"
  | "internal"
  | "configuration"
  | "socket"
  | "noWorkerStarted"
  | "killed"
  | "hook";

/** All ways to end, by name. */
export const EXIT: Readonly<Record<ExitName, ExitKind>> = {
  ok: {
    code: 0,
    meaning: "The instance was stopped in order, or the command did what it was asked to.",
  },
  internal: {
    code: 1,
    meaning: "Something went wrong inside duwsgi itself: worth a report, and a restart.",
  },
  configuration: {
    code: 2,
    meaning:
      "The command line or the configuration is wrong, or the script is missing: a restart " +
      "does not help.",
  },
  socket: {
    code: 3,
    meaning: "A socket could not be opened: address in use, no permission, unknown host.",
  },
  noWorkerStarted: {
    code: 4,
    meaning: "No worker ever accepted: the script cannot start. Every slot was tried once.",
  },
  killed: {
    code: 5,
    meaning: "A second stop signal came, and workers were killed with what they were doing.",
  },
  hook: {
    code: 6,
    meaning: "A hook failed before there were workers: see the line that names it.",
  },
};

/** An error that the user caused: one line to print, and the way the program ends. */
export class UserError extends Error {
  /** How the program ends. */
  readonly exit: ExitName;

  /** Takes the way to end and the line to print. */
  constructor(exit: ExitName, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = "UserError";
    this.exit = exit;
  }
}

/** A hook said `exit`: the program ends, and nothing went wrong. */
export class EarlyExit extends Error {
  /** The exit code. */
  readonly code: number;

  /** Takes the exit code. */
  constructor(code: number) {
    super(`exit ${code}`);
    this.name = "EarlyExit";
    this.code = code;
  }
}
