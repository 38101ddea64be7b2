/**
 * uWSGI's `--reload PIDFILE`, `--stop PIDFILE` and `--pause PIDFILE`: a signal to the master of a
 * pidfile.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { operatorSocketOf, pidIn, unreachable } from "./find_master.ts";

/** The signals, as in uWSGI. */
export const PIDFILE_SIGNALS = {
  reload: "SIGHUP",
  stop: "SIGINT",
  pause: "SIGTSTP",
} as const satisfies Readonly<Record<string, Deno.Signal>>;

/**
 * Sends the signal of a command, and says so.
 *
 * @throws {UserError} If no master is there, or it is somebody else's.
 */
export function signalMaster(command: keyof typeof PIDFILE_SIGNALS, pidfile: string): string {
  const pid = pidIn(pidfile);
  const named = `the pidfile "${pidfile}"`;
  operatorSocketOf(pid, named);
  const signal = PIDFILE_SIGNALS[command];
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    const reason = errorText(error);
    throw unreachable(`Cannot send ${signal} to process ${pid} of ${named}: ${reason}`);
  }
  return `${signal} was sent to the master with pid ${pid}`;
}
