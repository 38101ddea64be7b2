/**
 * Runs in the worker. Makes sure that a worker whose event loop hangs does not outlive its master: the
 * end of the control pipe is then seen by nobody, so the kernel has to do it.
 *
 * When the master ends, the kernel sends the worker a signal (prctl(2), PR_SET_PDEATHSIG) whose handler
 * is alarm(2) itself: it gets the number of the signal as its argument, so that many seconds later
 * SIGALRM ends the process. A worker that is not hanging sets an alarm of its own instead, or, where the
 * master lives after all, takes the alarm back.
 *
 * @module
 */

import type { Libc } from "./libc.ts";

const PR_SET_PDEATHSIG = 1;
/** A worker without a master leaves within its mercy; this much later it is made to (2 s). */
export const GRACE_S = 2;
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
export function endAfter(c: Pick<Libc, "alarm">, seconds: number): void {
  ending = true;
  c.alarm(Math.ceil(seconds));
}

/** True once this process ends in any case. */
let ending = false;

/** What it takes to find out whether the parent is there, and to do something about it. */
export interface ParentWatch {
  /** getppid(2). */
  readonly parent: () => number;
  /** alarm(2). */
  readonly alarm: (seconds: number) => unknown;
}

/**
 * Takes back the alarm that {@linkcode endWithParent} has set, if the parent lives. The kernel sends its
 * signal when the *thread* ends that has started this process, and so also when the parent executes
 * another program, which ends all threads but one. Nothing happens after {@linkcode endAfter}.
 *
 * The kernel gives a process its new parent before it sends the signal. So whoever finds the same parent
 * once more has taken back no alarm that its death has set; otherwise that is set again.
 *
 * @param expected Process id of the parent.
 * @param seconds When this process ends after all if the parent has gone meanwhile.
 */
export function stayWithParent(
  { parent, alarm }: ParentWatch,
  expected: number,
  seconds: number,
): void {
  if (ending || parent() !== expected) return;
  alarm(0);
  if (parent() !== expected) alarm(Math.ceil(seconds));
}
