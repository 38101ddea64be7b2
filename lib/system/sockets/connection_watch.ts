/**
 * Runs in the master, while there are no workers. Waits for a connection in one of several queues
 * without accepting it, and without looking again and again: poll(2) waits in a thread of its own,
 * together with an eventfd(2) through which it is called back.
 *
 * @module
 */

import { check, type Libc } from "../libc.ts";
import { pause } from "../timing.ts";

const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
const POLLIN = 1;
const FOR_EVER = -1;
/** How long to wait after a poll(2) that failed: a signal or a lack of memory got in its way (1 s). */
const RECOVERY_MS = 1_000;

/** Waits for one connection. */
export class ConnectionWatch {
  /** True when a connection is in one of the queues; false: {@linkcode cancel} came first. */
  readonly result: Promise<boolean>;
  readonly #libc: Libc;
  readonly #bell: number;
  #over = false;

  /**
   * Begins to wait for a connection to one of these listening sockets. A descriptor that is closed or
   * does not listen is not waited for.
   *
   * @throws {SystemCallError} If there are no more descriptors.
   */
  constructor(libc: Libc, fds: readonly number[]) {
    this.#libc = libc;
    this.#bell = check(libc, "eventfd", libc.eventfd(0, EFD_CLOEXEC_NONBLOCK));
    this.result = this.#wait(new PollSet([this.#bell, ...fds]));
  }

  /** Ends the waiting. One that is over already stays as it is. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#libc.write(this.#bell, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  async #wait(polled: PollSet): Promise<boolean> {
    const c = this.#libc;
    let found = false;
    while (!this.#over) {
      const ready = await c.poll_waiting(polled.bytes, polled.length, FOR_EVER);
      if (this.#over) break;
      if (ready < 0) await pause(RECOVERY_MS);
      // A worker that was about to leave may have taken it meanwhile.
      c.poll(polled.bytes, polled.length, 0);
      found = !this.#over && polled.anyReadable;
      if (found) this.#over = true;
      else polled.dropDead();
    }
    c.close(this.#bell);
    return found;
  }
}

/** An array of `struct pollfd`: descriptor, events asked for, events found. */
class PollSet {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly length: bigint;
  readonly #view: DataView;

  constructor(fds: readonly number[]) {
    this.bytes = new Uint8Array(8 * fds.length);
    this.length = BigInt(fds.length);
    this.#view = new DataView(this.bytes.buffer);
    fds.forEach((fd, index) => {
      this.#view.setInt32(8 * index, fd, true);
      this.#view.setInt16(8 * index + 4, POLLIN, true);
    });
  }

  get anyReadable(): boolean {
    return this.#found().some((events) => (events & POLLIN) !== 0);
  }

  /** poll(2) does not wait for what is closed or does not listen: such descriptors are left out. */
  dropDead(): void {
    this.#found().forEach((events, index) => {
      if (events !== 0) this.#view.setInt32(8 * index, -1, true);
    });
  }

  #found(): number[] {
    return Array.from(
      { length: Number(this.length) },
      (_, index) => this.#view.getInt16(8 * index + 6, true),
    );
  }
}
