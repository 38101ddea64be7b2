/**
 * Runs in the worker. Makes sure that a worker whose event loop hangs does not outlive its master: the
 * end of the control pipe is then seen by nobody, so the kernel has to do it.
 *
 * When the master ends, the kernel sends the worker a signal (prctl(2), PR_SET_PDEATHSIG) whose handler
 * is alarm(2) itself: it gets the number of the signal as its argument, so that many seconds later
 * SIGALRM ends the process. A worker that is not hanging sets an alarm of its own instead.
 *
 * The kernel also sends the signal when the *thread* ends that has started the worker, and so when the
 * master executes another program, which ends all threads but one. Sandboxed workers are started by
 * threads, so they take the alarm back where their parent is still there (`sandbox/sealed_master.ts`).
 *
 * @module
 */

import type { Libc } from "../libc.ts";

const PR_SET_PDEATHSIG = 1;
/** A worker without a master leaves within its mercy; this much later it is made to (2 s). */
export const ALARM_MARGIN_S = 2;
/** The signals whose numbers are of use: real-time signals the C library leaves to programs. */
const FIRST_SIGNAL = 36;
const LAST_SIGNAL = 64;

/** Ends this process after `seconds` (36 to 64) when its parent dies and it does nothing about it. */
export function endWithParent(c: Libc, seconds: number): void {
  const alarm = c.addressOf("alarm");
  if (alarm === null) return;
  const signal = Math.min(Math.max(Math.ceil(seconds), FIRST_SIGNAL), LAST_SIGNAL);
  c.signal(signal, alarm);
  c.prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n);
}

/** Ends this process after `seconds`, whatever it does. */
export function endAfter(c: Libc, seconds: number): void {
  c.alarm(Math.ceil(seconds));
}
