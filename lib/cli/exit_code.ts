/**
 * The program's exit codes and what a service manager should make of each.
 *
 * @module
 */

/** Exit codes by name. */
export const EXIT_CODE = {
  /** The instance was stopped in order, or the command did what it was asked to. */
  ok: 0,
  /** Something went wrong inside duwsgi itself: worth a report, and a restart. */
  internal: 1,
  /** The command line or the configuration is wrong: a restart does not help. */
  configuration: 2,
  /** A socket could not be opened: address in use, no permission, unknown host. */
  socket: 3,
  /** No worker ever accepted: the script cannot start. */
  noWorkerStarted: 4,
  /** A second stop signal came, and workers were killed with what they were doing. */
  killed: 5,
} as const;

/** A name of {@linkcode EXIT_CODE}. */
export type ExitName = keyof typeof EXIT_CODE;

/** An error that the user caused: one line to print, and the exit code. */
export class UserError extends Error {
  /** How the program ends. */
  readonly exit: ExitName;

  /** Takes the line to print (several lines where there are several problems) and the exit code. */
  constructor(exit: ExitName, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = "UserError";
    this.exit = exit;
  }
}
