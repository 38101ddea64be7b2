/**
 * Waiting.
 *
 * The first `setTimeout` of a process loads Deno's Node layer: 5 ms of processor and 3 MB, in every
 * worker that starts and in the master beside them. V8 can wait by itself, for a cell in memory that
 * nobody changes, so what a plain start waits for is {@linkcode after} and {@linkcode every}.
 *
 * @module
 */

/** Calls something off; nothing happens when that is too late. */
export type Cancel = () => void;

/**
 * Calls `act` after `ms` milliseconds, at the earliest in the next turn of the event loop. Unlike
 * `setTimeout` it does not keep a process alive that has nothing else to do.
 */
export function after(ms: number, act: () => void): Cancel {
  return wait(new Int32Array(new SharedArrayBuffer(4)), ms, act);
}

/**
 * Calls `act` every `ms` milliseconds, see {@linkcode after}: when the clock of the day shows a multiple
 * of them. So what all workers say every ten seconds wakes their master once, and not once for each.
 *
 * @param act Takes the milliseconds by which it is called too late.
 */
export function every(ms: number, act: (lateMs: number) => void): Cancel {
  // One for all of them: an idle master makes nothing that has to be collected.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let cancel: Cancel = () => {};
  const begin = () => {
    const left = untilMultiple(ms, Date.now());
    const due = performance.now() + left;
    cancel = wait(cell, left, () => {
      begin();
      act(Math.max(0, performance.now() - due));
    });
  };
  begin();
  return () => cancel();
}

/** Whoever wakes up a bit too early is not to do so twice. */
function untilMultiple(ms: number, now: number): number {
  const left = ms - now % ms;
  return left < ms / 10 ? left + ms : left;
}

function wait(cell: Int32Array<SharedArrayBuffer>, ms: number, act: () => void): Cancel {
  const waiting = Atomics.waitAsync(cell, 0, 0, Math.max(ms, SHORTEST_MS));
  if (waiting.async) {
    void waiting.value.then((end) => end === "timed-out" ? act() : undefined);
  }
  return () => void Atomics.notify(cell, 0);
}

/** No time at all would be no wait. */
const SHORTEST_MS = 0.001;

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for `promise`, at most `ms` milliseconds; true if it was fulfilled in time. */
export async function fulfilledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
