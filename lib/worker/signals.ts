/**
 * Runs in the worker. Signals are the script's to handle, if it wants to; until it does, they mean
 * "leave in order", also while the script is still starting.
 *
 * @module
 */

import { passOnErrors } from "./passed_on.ts";

/** The signals that ask a worker to leave, as uWSGI sends them. */
export const LEAVE_SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** One of {@linkcode LEAVE_SIGNALS}. */
export type LeaveSignal = typeof LEAVE_SIGNALS[number];

/** Deno's handler is one for all listeners and for its debugger, so nobody gets the signal. */
const SIGUSR1_SWALLOWED =
  "SIGUSR1 does not reach workers, because Deno would open a debugger as well: use SIGUSR2";

const listeners = new Map<Deno.Signal, Set<() => void>>();

/**
 * Watches which signals the script handles through `Deno.addSignalListener`, and calls `onSignal` when
 * one comes; `handled`: the script has listeners for it, which are called after this one.
 */
export function watchSignals(onSignal: (handled: boolean) => void): void {
  const { addSignalListener, removeSignalListener } = Deno;
  for (const signal of LEAVE_SIGNALS) {
    addSignalListener(signal, () => onSignal(handledByScript(signal)));
  }
  Deno.addSignalListener = function added(signal, handler) {
    if (signal === "SIGUSR1") console.warn(SIGUSR1_SWALLOWED);
    passOnErrors(added, () => addSignalListener(signal, handler));
    listeners.set(signal, (listeners.get(signal) ?? new Set()).add(handler));
  };
  Deno.removeSignalListener = function removed(signal, handler) {
    passOnErrors(removed, () => removeSignalListener(signal, handler));
    listeners.get(signal)?.delete(handler);
  };
}

/** True if the script has a listener for the signal, Deno's or Node's. */
export function handledByScript(signal: LeaveSignal): boolean {
  if ((listeners.get(signal)?.size ?? 0) > 0) return true;
  return nodeListenerCount(signal) > 0;
}

function nodeListenerCount(signal: string): number {
  const node: unknown = Reflect.get(globalThis, "process");
  if (typeof node !== "object" || node === null) return 0;
  const count: unknown = Reflect.get(node, "listenerCount");
  return typeof count === "function" ? Number(Reflect.apply(count, node, [signal])) : 0;
}
