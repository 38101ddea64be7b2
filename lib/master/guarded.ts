/**
 * Runs in the master. The one road of errors in what it does: they end that action, become a line in the
 * log, and are told to whoever waits for it. Nothing of it ends the master.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { logLine } from "./log.ts";

/**
 * Does something, and returns without an error.
 *
 * @param what Completes "Cannot …" in the log.
 * @param act What it is; the master does not wait for a promise of it.
 * @param failed Takes the reason if it cannot be done. @default Nobody waits for it
 */
export function guarded(
  what: string,
  act: () => unknown,
  failed: (reason: string) => void = () => {},
): void {
  const tell = (error: unknown) => {
    const reason = errorText(error);
    logLine("error", `Cannot ${what}: ${reason}`, { event: "actionFailed", action: what, reason });
    failed(reason);
  };
  try {
    const done = act();
    if (done instanceof Promise) done.catch(tell);
  } catch (error) {
    tell(error);
  }
}

/**
 * What nobody has caught, in a program that is nothing but a master: it is a mistake in duwsgi, which is
 * told and ends nothing.
 *
 * @returns Ends that.
 */
export function guardProgram(): () => void {
  const tell = (event: Event, error: unknown) => {
    event.preventDefault();
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    logLine("error", `A mistake in duwsgi, please report it: ${text}`, { event: "uncaught" });
  };
  const onRejection = (event: PromiseRejectionEvent) => tell(event, event.reason);
  const onError = (event: ErrorEvent) => tell(event, event.error);
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  return () => {
    removeEventListener("unhandledrejection", onRejection);
    removeEventListener("error", onError);
  };
}
