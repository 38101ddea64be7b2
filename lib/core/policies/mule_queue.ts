/**
 * Which mule gets which message. A mule gets one whenever it asks for one, so that what it has not asked
 * for waits here, where a crash of the mule does not lose it, and where it cannot grow without end.
 *
 * @module
 */

/** How many messages wait for one mule, and how many for whoever comes first. */
export const LONGEST_QUEUE = 1024;

/** A message and who gets it now. */
export interface Delivery {
  readonly mule: number;
  readonly text: string;
}

/** What became of a message: given to a mule, kept for later, or dropped because the queue is full. */
export type Posted = Delivery | "kept" | "full" | "nobody";

/** The messages that wait, and the mules that wait. Mules are numbered from 1. */
export class MuleQueue {
  readonly #forAnybody: string[] = [];
  readonly #own = new Map<number, string[]>();
  readonly #asking = new Map<number, number>();
  #mules: number;

  /** Takes the number of mules. */
  constructor(mules: number) {
    this.#mules = mules;
  }

  /** Takes a message for a mule; 0 is the first one that waits, or that will ask. */
  post(text: string, mule: number): Posted {
    if (mule > this.#mules || this.#mules === 0) return "nobody";
    const taker = mule === 0 ? this.#firstAsking() : mule;
    if (taker !== null && this.#take(taker)) return { mule: taker, text };
    const queue = mule === 0 ? this.#forAnybody : this.#queueOf(mule);
    if (queue.length >= LONGEST_QUEUE) return "full";
    queue.push(text);
    return "kept";
  }

  /** A mule asks for a message: what was sent to it comes first. */
  ask(mule: number): Delivery | null {
    const text = this.#own.get(mule)?.shift() ?? this.#forAnybody.shift();
    if (text !== undefined) return { mule, text };
    this.#asking.set(mule, (this.#asking.get(mule) ?? 0) + 1);
    return null;
  }

  /** A mule is gone, or about to be: it gets nothing until its successor asks. */
  forget(mule: number): void {
    this.#asking.delete(mule);
  }

  /**
   * There are this many mules from now on.
   *
   * @returns How many messages were for mules that there are no more.
   */
  resize(mules: number): number {
    this.#mules = mules;
    let lost = mules === 0 ? this.#forAnybody.splice(0).length : 0;
    for (const [mule, queue] of this.#own) {
      if (mule <= mules) continue;
      lost += queue.length;
      this.#own.delete(mule);
    }
    return lost;
  }

  #firstAsking(): number | null {
    const asking = [...this.#asking.keys()];
    return asking.length === 0 ? null : Math.min(...asking);
  }

  /** Answers one question of a mule; false: it has asked none. */
  #take(mule: number): boolean {
    const count = this.#asking.get(mule) ?? 0;
    if (count > 1) this.#asking.set(mule, count - 1);
    else this.#asking.delete(mule);
    return count > 0;
  }

  #queueOf(mule: number): string[] {
    const queue = this.#own.get(mule) ?? [];
    this.#own.set(mule, queue);
    return queue;
  }
}
