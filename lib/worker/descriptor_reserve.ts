/**
 * Runs in the worker. A few descriptors that are held for nothing: when there are no more, whoever stops
 * accepting, opens a server anew, or leaves, still has what that takes.
 *
 * @module
 */

import { duplicate } from "../system/descriptor.ts";
import type { Libc } from "../system/libc.ts";
import { instanceAccess } from "./instance.ts";

const currentInstance = instanceAccess();

/** Enough for a listener, its place in the event loop, and a look into /proc (8). */
const HELD = 8;
/** With this many free ones a server can accept again: it does not end at once for want of them (8). */
const ROOM = 8;

const held: number[] = [];
let lent = false;
let spent = false;

/** Takes what is missing of the reserve, as far as there are descriptors. */
export function keepReserve(): void {
  const { libc } = currentInstance();
  lent = false;
  if (libc !== null && !spent) take(libc, held, HELD);
}

/** Calls `act`, which may use the reserve. */
export function withReserve<T>(act: () => T): T {
  const { libc } = currentInstance();
  if (libc === null) return act();
  lendReserve();
  try {
    return act();
  } finally {
    keepReserve();
  }
}

/** Whoever needs descriptors now can have those of the reserve, until {@linkcode keepReserve}. */
export function lendReserve(): void {
  const { libc } = currentInstance();
  lent = true;
  if (libc !== null) release(libc, held);
}

/** The worker leaves: the reserve is for the way out. */
export function spendReserve(): void {
  spent = true;
  lendReserve();
}

/** True if there are some descriptors beside the reserve. */
export function hasRoom(): boolean {
  const { libc } = currentInstance();
  if (libc === null) return true;
  if (lent) return false;
  const tried: number[] = [];
  take(libc, tried, ROOM);
  const enough = tried.length === ROOM;
  release(libc, tried);
  return enough;
}

/** A worker's standard input is /dev/null. */
const NOTHING = 0;

function take(c: Libc, fds: number[], count: number): void {
  try {
    while (fds.length < count) fds.push(duplicate(c, NOTHING));
  } catch {
    // There are no more, or the script has closed its standard input.
  }
}

function release(c: Libc, fds: number[]): void {
  for (const fd of fds.splice(0)) c.close(fd);
}
