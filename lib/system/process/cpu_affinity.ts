/**
 * Binds processes to CPUs (sched_setaffinity(2)).
 *
 * @module
 */

import { check, type Libc } from "../libc.ts";

/** `cpu_set_t`: 1024 CPUs, one bit each. */
const SET_BYTES = 128;

/** The CPUs of this process, dealt out to the children of its slots. */
export class CpuAffinity {
  readonly #libc: Libc;
  readonly #own: Uint8Array<ArrayBuffer>;
  readonly #cpusPerSlot: number;

  /** Takes the number of CPUs for each slot; those of this process are dealt out. */
  constructor(c: Libc, cpusPerSlot: number) {
    this.#libc = c;
    this.#cpusPerSlot = cpusPerSlot;
    this.#own = new Uint8Array(SET_BYTES);
    check(c, "sched_getaffinity", c.sched_getaffinity(0, BigInt(SET_BYTES), this.#own));
  }

  /**
   * Calls `spawn` while this thread is bound to the CPUs of a slot. A child inherits that with the fork,
   * and all of its threads from it, so there is no moment at which it is not bound.
   */
  during<T>(slot: number, spawn: () => T): T {
    bindThread(this.#libc, this.setOf(slot));
    try {
      return spawn();
    } finally {
      bindThread(this.#libc, this.#own);
    }
  }

  /** The CPUs of a slot, as {@linkcode bindThread} takes them. */
  setOf(slot: number): Uint8Array<ArrayBuffer> {
    return cpuSet(cpusOfSlot(slot, this.#cpusPerSlot, cpuNumbers(this.#own)));
  }
}

/** Binds this thread to CPUs, and what it starts from now on. */
export function bindThread(c: Libc, set: Uint8Array<ArrayBuffer>): void {
  check(c, "sched_setaffinity", c.sched_setaffinity(0, BigInt(SET_BYTES), set));
}

/** The CPUs of a slot (from 1): `count` of them, going round in `allowed`, as in uWSGI. */
export function cpusOfSlot(slot: number, count: number, allowed: readonly number[]): number[] {
  const first = (slot - 1) * count;
  const most = Math.min(count, allowed.length);
  return Array.from({ length: most }, (_, i) => allowed[(first + i) % allowed.length] ?? 0);
}

function cpuNumbers(set: Uint8Array): number[] {
  const all = Array.from({ length: SET_BYTES * 8 }, (_, cpu) => cpu);
  return all.filter((cpu) => ((set[cpu >> 3] ?? 0) >> (cpu & 7)) & 1);
}

function cpuSet(cpus: readonly number[]): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SET_BYTES);
  for (const cpu of cpus) set[cpu >> 3] = (set[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return set;
}
