/**
 * Whether a worker that says it accepts has a socket from which it accepts no more. Pure: what is to be seen
 * is asked for through functions.
 *
 * A sign alone means nothing: clients that wait are none in a moment of load. So it counts only where there
 * are clients in the queue at every look, and where either no server is left on it, or the worker has
 * nothing else to do.
 *
 * @module
 */

/** A socket of the instance, as this worker has it. */
export interface OwnQueue {
  readonly address: string;
  /** The descriptor of this slot's queue; negative: there is none. */
  readonly fd: number;
  /** True once the script has had a server or a listener on it. */
  readonly used: boolean;
}

/** What can be seen of the worker at a look. */
export interface Sight {
  /** Monotonic time in milliseconds. */
  readonly at: number;
  /** True if it is to accept, and nothing here keeps it from that: not a pause, and no lack of descriptors. */
  readonly mayAccept: () => boolean;
  /** True if connections wait in a queue. */
  readonly isWaiting: (fd: number) => boolean;
  /** True if a server, of whatever kind, accepts from a queue. */
  readonly isServed: (fd: number) => boolean;
  /** True if the worker has no connection with any client. */
  readonly isIdle: () => boolean;
}

/** A look that comes later than this counts no longer: the worker, or the machine, stood still (2 s). */
const LONGEST_LOOK_MS = 2_000;

/** Remembers for how long each socket has been like that. */
export class UnservedSockets {
  readonly #limitMs: number;
  /** By descriptor, since the first look with clients in its queue, in milliseconds. */
  readonly #silent = new Map<number, number>();
  /** Descriptors on which a server was seen, which the script may have made by itself. */
  readonly #seen = new Set<number>();
  #before: number | null = null;

  /** `limitMs`: how long a script may take to listen again. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Takes a look; returns the address of a socket that has been without a server for too long, or null. */
  look(queues: readonly OwnQueue[], sight: Sight): string | null {
    const passed = Math.min(sight.at - (this.#before ?? sight.at), LONGEST_LOOK_MS);
    this.#before = sight.at;
    let overdue: string | null = null;
    for (const { address, fd, used } of queues) {
      if (fd < 0 || !this.#isSilent(fd, used, sight)) {
        this.#silent.delete(fd);
        continue;
      }
      const before = this.#silent.get(fd);
      const silent = before === undefined ? 0 : before + passed;
      // Whoever is told may have had a reason to let it be: then it is told again.
      this.#silent.set(fd, silent >= this.#limitMs ? 0 : silent);
      if (silent >= this.#limitMs) overdue ??= address;
    }
    return overdue;
  }

  /** The cheap questions come first: mostly, nobody waits. */
  #isSilent(fd: number, used: boolean, sight: Sight): boolean {
    if (!sight.isWaiting(fd) || !sight.mayAccept()) return false;
    if (!sight.isServed(fd)) return used || this.#seen.has(fd);
    this.#seen.add(fd);
    return sight.isIdle();
  }
}
