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
  | "noWorkerLeft"
  | "killed"
  | "pidfile"
  | "hook"
  | "rolledBack"
  | "failed"
  | "cancelled"
  | "unreachable"
  | "timeout"
  | "smoke";

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
  noWorkerLeft: {
    code: 7,
    meaning: "No worker is left and none comes soon, with `die-on-no-workers`: a restart may help.",
  },
  killed: {
    code: 5,
    meaning: "A second stop signal came, and workers were killed with what they were doing.",
  },
  pidfile: {
    code: 6,
    meaning: "The pidfile names a process that is running: the instance has been started before.",
  },
  hook: {
    code: 8,
    meaning: "A hook failed before there were workers: see the line that names it.",
  },
  rolledBack: {
    code: 10,
    meaning:
      "`ctl --wait`: the new workers failed, and every slot runs the generation before them, whichever " +
      "slot failed first.",
  },
  failed: {
    code: 11,
    meaning:
      "`ctl --wait`: it was not begun (a wrong configuration, a port that is taken), or slots run different " +
      "generations now, or a scale failed; the message says why, and what runs now.",
  },
  cancelled: {
    code: 12,
    meaning: "`ctl --wait`: a stop came between.",
  },
  unreachable: {
    code: 13,
    meaning:
      "`ctl`, `top`, `--reload`, `--stop`, `--pause`: no master answers, because none runs, the pidfile is " +
      "stale, or it belongs to another user.",
  },
  timeout: {
    code: 14,
    meaning: "`ctl`: no answer within `--timeout`. What was asked for goes on.",
  },
  smoke: {
    code: 15,
    meaning: "`--smoke`: a step failed; the line that begins with `failed` says which, and why.",
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

/** The error of an option, given with its place, that is nothing without foreign functions. */
export function needsForeignFunctions(option: string): UserError {
  const advice = "allow them with --allow-ffi";
  const text = `Cannot do what ${option} says without foreign functions: ${advice}`;
  return new UserError("configuration", text);
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

/** What an error says; anything else that was thrown, as a string. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
