/**
 * Runs in the master. Something that takes a while to read: many questions at once get the same answer,
 * so that they take a small share of the master's time.
 *
 * @module
 */

import { pause } from "../../system/timing.ts";

/** Reading may take this share of the master's time, if nobody has to wait too long for it. */
const LARGEST_SHARE = 0.1;
/** Nobody waits longer than this for their turn (250 ms), and only where many ask. */
const LONGEST_WAIT_MS = 250;

/** Reads it for everybody who asks. */
export class CoalescedReader<T> {
  readonly #read: () => T;
  #next: Promise<T> | null = null;
  /** Before that, it is not read again (monotonic ms). */
  #nextReadAt = 0;

  /** Takes what reads it. */
  constructor(read: () => T) {
    this.#read = read;
  }

  /** It as it is after this was called: all who ask until it is read get the same. */
  next(): Promise<T> {
    return this.#next ??= this.#readWhenDue();
  }

  async #readWhenDue(): Promise<T> {
    const waitMs = this.#nextReadAt - performance.now();
    await (waitMs > 0 ? pause(waitMs) : undefined);
    this.#next = null;
    const before = performance.now();
    const value = this.#read();
    const now = performance.now();
    this.#nextReadAt = now + Math.min((now - before) / LARGEST_SHARE, LONGEST_WAIT_MS);
    return value;
  }
}
